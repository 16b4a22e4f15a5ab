"""One task a file. A new file here that ends in `TASK = Task(...)` is a new task; nothing else needs an edit."""
