"""Where documents from strangers are read: in child processes that can harm nothing."""
