"""The vault: seals credentials under one key per workspace and opens them for a stated, audited purpose."""
