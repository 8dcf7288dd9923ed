"""What `footnote doctor` looks at, one subject a file. Each check answers with findings and never raises."""
