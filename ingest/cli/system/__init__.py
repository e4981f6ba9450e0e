"""Starting and stopping the system on this machine."""
