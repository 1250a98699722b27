"""What mails made to harm cost, and whether any is lost."""
