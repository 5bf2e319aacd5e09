"""Cases from the field: what real users of such systems ran into, each told by the claim that is now true."""
