"""Where images come from: demo photographs, drawn scenes and styles, any folder; and batches of them."""
