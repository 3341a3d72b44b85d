"""The papers of methods and models, for cards: what one is called, where it appeared, and how to cite it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        key: What BibTeX calls it.
        title: Its title.
        authors: Names, first name first.
        venue: Where it appeared; empty where that is not known.
        year: When.
        kind: The kind of BibTeX entry.
        arxiv: Number on arXiv, by which the Hub links it; None if there is none that we know.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    venue: str
    year: int | None
    kind: str = "inproceedings"
    arxiv: str | None = None

    @property
    def citation(self) -> str:
        """One line for people."""
        first = self.authors[0] if self.authors else "Anonymous"
        second = self.authors[1] if len(self.authors) == 2 else "others"
        others = f" and {second}" if len(self.authors) > 1 else ""
        year = self.year if self.year and str(self.year) not in self.venue else None
        place = ", ".join(str(part) for part in (self.venue, year) if part)
        return f"{first}{others}: {self.title}" + (f". {place}" if place else "")

    @property
    def bibtex(self) -> str:
        """A BibTeX entry."""
        venue = {"inproceedings": "booktitle", "article": "journal"}.get(self.kind, "howpublished")
        fields = {
            "title": f"{{{self.title}}}",
            "author": " and ".join(self.authors) or "{Anonymous authors}",
            venue: self.venue,
            "year": self.year,
            "eprint": self.arxiv,
            "archiveprefix": self.arxiv and "arXiv",
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


HERDING = Paper("welling2009herding", "Herding Dynamical Weights to Learn", ("Max Welling",), "ICML", 2009)
CORE_SET = Paper(
    "sener2018active",
    "Active Learning for Convolutional Neural Networks: A Core-Set Approach",
    ("Ozan Sener", "Silvio Savarese"),
    "ICLR",
    2018,
    arxiv="1708.00489",
)
SUBMODULAR = Paper(
    "mirzasoleiman2013distributed",
    "Distributed Submodular Maximization: Identifying Representative Elements in Massive Data",
    ("Baharan Mirzasoleiman", "Amin Karbasi", "Rik Sarkar", "Andreas Krause"),
    "NeurIPS",
    2013,
)
EL2N = Paper(
    "paul2021diet",
    "Deep Learning on a Data Diet: Finding Important Examples Early in Training",
    ("Mansheej Paul", "Surya Ganguli", "Gintare Karolina Dziugaite"),
    "NeurIPS",
    2021,
    arxiv="2107.07075",
)
MODERATE = Paper(
    "xia2023moderate",
    "Moderate Coreset: A Universal Method of Data Selection for Real-world Data-efficient Deep Learning",
    ("Xiaobo Xia", "Jiale Liu", "Jun Yu", "Xu Shen", "Bo Han", "Tongliang Liu"),
    "ICLR",
    2023,
)
E2SC_IS = Paper(
    "cunha2023e2sc",
    "An Effective, Efficient, and Scalable Confidence-based Instance Selection Framework for Transformer-Based Text "
    "Classification",
    ("Washington Cunha", "Celso França", "Guilherme Fonseca", "Leonardo Rocha", "Marcos André Gonçalves"),
    "SIGIR",
    2023,
)
G_DIG = Paper(
    "pan2024gdig",
    "G-DIG: Towards Gradient-based Diverse and High-quality Instruction Data Selection for Machine Translation",
    ("Xingyuan Pan", "Luyang Huang", "Liyan Kang", "Zhicheng Liu", "Yu Lu", "Shanbo Cheng"),
    "ACL",
    2024,
    arxiv="2405.12915",
)
DISCRETIZATION = Paper(
    "sucholutsky2021softlabel",
    "Soft-Label Dataset Distillation and Text Dataset Distillation",
    ("Ilia Sucholutsky", "Matthias Schonlau"),
    "IJCNN",
    2021,
    arxiv="1910.02551",
)
KIP = Paper(
    "nguyen2021dataset",
    "Dataset Meta-Learning from Kernel Ridge-Regression",
    ("Timothy Nguyen", "Zhourong Chen", "Jaehoon Lee"),
    "ICLR",
    2021,
    arxiv="2011.00050",
)
DILM = Paper(
    "maekawa2024dilm",
    "DiLM: Distilling Dataset into Language Model for Text-level Dataset Distillation",
    ("Aru Maekawa", "Satoshi Kosugi", "Kotaro Funakoshi", "Manabu Okumura"),
    "Findings of the Association for Computational Linguistics: NAACL 2024",
    2024,
)
CONDENSELM = Paper(
    "shen2025condenselm",
    "CondenseLM: LLMs-driven Text Dataset Condensation via Reward Matching",
    ("Cheng Shen", "Yew-Soon Ong", "Joey Tianyi Zhou"),
    "",
    2025,
    kind="misc",
)
PINR = Paper(
    "pinr",
    "Model-Agnostic Text Condensation with Coherence Awareness",
    (),
    "",
    None,
    kind="misc",
)
DALLME = Paper(
    "tao2024textual",
    "Textual Dataset Distillation via Language Model Embedding",
    ("Yefan Tao", "Luyang Kong", "Andrey Kan", "Laurent Callot"),
    "Findings of the Association for Computational Linguistics: EMNLP 2024",
    2024,
)
MGD3 = Paper(
    "chansantiago2025mgd3",
    "MGD3: Mode-Guided Dataset Distillation using Diffusion Models",
    ("Jeffrey A. Chan-Santiago", "Praveen Tirupattur", "Gaurav Kumar Nayak", "Gaowen Liu", "Mubarak Shah"),
    "arXiv preprint arXiv:2505.18963",
    2025,
    kind="article",
    arxiv="2505.18963",
)
AUG_PE = Paper(
    "xie2024augpe",
    "Differentially Private Synthetic Data via Foundation Model APIs 2: Text",
    (
        "Chulin Xie",
        "Zinan Lin",
        "Arturs Backurs",
        "Sivakanth Gopi",
        "Da Yu",
        "Huseyin A. Inan",
        "Harsha Nori",
        "Haotian Jiang",
        "Huishuai Zhang",
        "Yin Tat Lee",
        "Bo Li",
        "Sergey Yekhanin",
    ),
    "ICML",
    2024,
)
SOFTSRV = Paper(
    "desalvo2024softsrv",
    "SoftSRV: Learn to Generate Targeted Synthetic Data",
    ("Giulia DeSalvo", "Jean-François Kagy", "Lazaros Karydas", "Afshin Rostamizadeh", "Sanjiv Kumar"),
    "",
    2024,
    kind="misc",
)

VEC2TEXT = Paper(
    "morris2023text",
    "Text Embeddings Reveal (Almost) As Much As Text",
    ("John X. Morris", "Volodymyr Kuleshov", "Vitaly Shmatikov", "Alexander M. Rush"),
    "EMNLP",
    2023,
    arxiv="2310.06816",
)

PAPERS: dict[str, Paper] = {
    "aug_pe": AUG_PE,
    "condenselm": CONDENSELM,
    "dallme": DALLME,
    "dilm": DILM,
    "discretization": DISCRETIZATION,
    "e2sc_is": E2SC_IS,
    "el2n": EL2N,
    "error_extrapolation": CONDENSELM,
    "facility_location": SUBMODULAR,
    "few_shot": CONDENSELM,
    "g_dig": G_DIG,
    "greedy_k_center": CORE_SET,
    "herding": HERDING,
    "inducing_points": KIP,
    "k_center": DILM,
    "krr_exchange": KIP,
    "krr_rewrite": KIP,
    "mgd3": MGD3,
    "moderate": MODERATE,
    "pinr": PINR,
    "prompt_template": SOFTSRV,
    "self_refine": SOFTSRV,
    "softsrv": SOFTSRV,
}
"""By method; `random` has none, and a configuration of one's own is not of any paper."""
