"""Training the plan model and its picture parts."""
