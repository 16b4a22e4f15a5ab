"""Text that would do harm if it were taken for markup or a template."""

HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)"> ${alert(3)} {{alert(4)}} 'quoted' """
