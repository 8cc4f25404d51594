"""What the plan model learns from: runs of sections, and pictures matched with them."""
