"""What tests share: servers of one run and databases of one test."""
