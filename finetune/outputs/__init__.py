"""What the answers of tasks are made of: grammars, parsers and evaluators."""
