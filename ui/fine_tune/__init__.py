"""The four steps of the Fine-tune tab, one file each, and what is remembered between them."""
