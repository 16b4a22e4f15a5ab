"""Rows made by rule, seeded: the example sets that ship. One module or folder a subject, called by `Task.generate`."""
