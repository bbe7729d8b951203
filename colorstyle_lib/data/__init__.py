"""Where images come from: demo photographs, drawn scenes and styles, folders, data sets; and batches of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["scenes"],
    submod_attrs={
        "batches": ["Batches", "ImageStore", "Windows", "center_crops", "decode_images", "load_images", "shrink"],
        "example_pictures": ["PHOTOGRAPHS", "STYLES", "TRAINING_VARIANTS", "credits", "photograph", "style"],
        "datasets": ["Roots", "dataset_names", "find_split", "images_for", "list_images", "load_split"],
        "downloads": ["find_roots"],
    },
)
