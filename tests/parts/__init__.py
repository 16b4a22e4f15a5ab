"""The stand-ins and helpers that tests share: peers, bases, adapters, matchers."""
