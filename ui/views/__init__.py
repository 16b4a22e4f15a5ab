"""What stands on more than one tab, or is a view of its own: tables, charts, reports, forms."""
