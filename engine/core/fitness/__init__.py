"""What a Redis is fit for: facts about it in, and what they mean for semel's promises out."""
