"""The data doctor: a file is read as a task's rows, examined with the tokenizer alone, and mended into a new file."""
