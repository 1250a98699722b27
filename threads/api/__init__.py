"""The status API at /api/v1/, and Patchwork's dialect beside it."""
