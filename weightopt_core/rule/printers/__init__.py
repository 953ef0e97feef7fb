"""From a rule's checked expressions to text, a module for each language."""
