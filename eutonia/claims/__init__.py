"""Is this article true? The checkable claims in a text, each with its verdict, correction and sources.

    text or HTML → blocks → sentences → topics, concepts and quantities → claims made or denied

What is a claim, what is known of it and which words say it are knowledge (claims/, wording/, languages/).
"""

from eutonia.claims.checking import Claims, check, decode

__all__ = ["Claims", "check", "decode"]
