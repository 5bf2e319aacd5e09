"""Calls of methods: the choices of a form's fields."""
