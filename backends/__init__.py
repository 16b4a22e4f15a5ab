"""Where text comes from and where training runs. Knows prompts as text and adapters as data; imports nothing above."""
