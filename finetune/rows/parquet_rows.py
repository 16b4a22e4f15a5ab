"""Rows out of a Parquet file, a few at a time, so that a small file which unpacks to a huge one never fills the memory.

Strings stay in their dictionaries until a row asks for one: a million rows may point at the same long text.
"""

from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from backends.errors import BadInput

TOGETHER = 32  # rows unpacked at once
LONGEST = 4 << 20  # bytes of one text
MOST_AT_ONCE = 48 << 20  # bytes of one column in one row group: five times as much while it is unpacked


def rows(path: Path, most_bytes: int) -> Iterator[dict[str, Any]]:
    """Every row as plain values; `most_bytes` bounds what the file may unpack to."""
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16) as file:
            groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
            texts = [field.name for field in file.schema_arrow if arrow.types.is_string(field.type)]
        said = 0
        if any(g.column(k).total_uncompressed_size > MOST_AT_ONCE for g in groups for k in range(g.num_columns)):
            raise BadInput(
                f"{path.name} holds more than {MOST_AT_ONCE >> 20} MB of one column in one row group: write it with "
                "smaller ones (row_group_size=10000)"
            )
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16, read_dictionary=texts) as file:
            for batch in file.iter_batches(batch_size=TOGETHER, use_threads=False):
                for i in range(batch.num_rows):
                    row = {name: _plain(batch.column(name)[i], name) for name in batch.schema.names}
                    # a text may stand in many rows and once in the file, so what the file says is not enough
                    said += sum(len(value) for value in row.values() if isinstance(value, str))
                    if said > most_bytes:
                        raise BadInput(f"{path.name} unpacks to more than {most_bytes >> 20} MB, the most accepted")
                    yield row
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is no Parquet file that can be read: {str(error)[:200]}") from None


def _plain(cell: Any, column: str) -> Any:
    """A cell as JSON has it. A text is measured where it lies, before a copy of it is made."""
    text = getattr(cell, "value", None)  # of a text that stays in its dictionary
    if text is not None and hasattr(text, "as_buffer") and text.as_buffer().size > LONGEST:
        raise BadInput(f"column {column} holds a text of more than {LONGEST:,} bytes, the most accepted")
    value = cell.as_py()
    if isinstance(value, date | time):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
