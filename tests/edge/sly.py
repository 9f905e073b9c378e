"""A package of read models that would read the log itself, if it could be loaded."""


async def log_of(url: str, key: str) -> object:
    from redis.asyncio import Redis  # noqa: PLC0415 -- hidden, as whoever does this would

    return await Redis.from_url(url).xrange(key)
