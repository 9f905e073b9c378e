"""The OpenAPI document of a gateway: made of the domain that it serves."""

from engine.edge.http.openapi.document import document

__all__ = ["document"]
