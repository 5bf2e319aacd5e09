"""The GraphQL door: one folder per room, joined by ``schema``, with guards in front of the parser.

A room's ``enums`` says what each value of its enums means.
"""
