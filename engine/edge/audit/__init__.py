"""Auditing a namespace: pages that the store reads go to the core's judges, in their order."""
