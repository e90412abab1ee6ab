"""Make the PDFs of this folder: python solutions/build.py"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PDFS = [                                    # source, PDF, what the source reads from sys.inputs
    ("tasks-1-2.typ", "tasks-1-2.pdf", {"lang": "bg"}),
    ("tasks-1-2.typ", "tasks-1-2.en.pdf", {"lang": "en"}),
    ("softmax.typ", "softmax.pdf", {}),
]


def build(source, target, inputs):
    """Compile a Typst source of this folder, using only the fonts of the typst package."""
    # Imported here, so that main can report that it is missing.
    import typst
    typst.compile(HERE / source, output=target, root=HERE.parent, sys_inputs=inputs,
                  ignore_system_fonts=True)


def main():
    """Make each PDF in turn."""
    try:
        for source, pdf, inputs in PDFS:
            build(source, HERE / pdf, inputs)
            print(pdf)
    except ImportError:
        print("build.py: no package typst here; pip install -r solutions/requirements.txt",
              file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
