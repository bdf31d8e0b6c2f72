"""What is there to use? The pages of docs/reference, made from the code.

Whoever adds a command, setting, meter, event or table and doesn't write the pages anew (`make docs`) is told
so by a test.
"""
