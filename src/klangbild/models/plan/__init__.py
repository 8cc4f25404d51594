"""Plans of pieces by latent diffusion: what each section is like, drawn from a picture and words; `models/bars` plays them."""
