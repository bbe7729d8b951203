"""Where images come from: demo photographs, drawn scenes and styles, folders, data sets; and batches of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["scenes"],
    submod_attrs={
        "batches": ["Batches", "ImageStore", "center_crops", "load_images", "shrink"],
        "example_pictures": ["PHOTOGRAPHS", "credits", "photograph", "style"],
        "datasets": ["find_split", "images_for"],
    },
)
