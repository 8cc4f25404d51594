"""What of a picture and of words arrives in the music that the plan model plans."""
