"""Plain HTTP doors: sign-in, the browser's part of authorizations, health, metrics and problem pages."""
