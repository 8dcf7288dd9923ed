"""What the subcommands of `footnote` do, one module each; loaded only when its command runs."""
