"""Writes the tables of docs/samplers.md, between its markers, and the plots beside it."""
import pathlib

import plots
from settings import DEFAULT_GUIDANCE, GUIDANCE, PURITY_WEIGHTS, SAMPLERS, guided, name_of, quality_of, sampled, weighted


def figures(survey, options):
    """What is known of a setting; None for what wasn't measured."""
    name = name_of(options)
    images, evaluation = survey.known("images", name), survey.known("evaluation", name)
    if not images or not evaluation:
        return None
    return {
        "evaluations": (images["evaluations"] + images["reused"]) / images["images"],
        "seconds": survey.known("seconds", name),
        "within": survey.known("within", name),
        **quality_of(evaluation),
    }


HEAD = "evaluations | ms/image | Fréchet | kernel distance × 1000 | precision | recall | perplexity"


def cells(row):
    seconds = "–" if row.get("seconds") is None else f"{row['seconds'] * 1000:.0f}"
    evaluations = "–" if row.get("evaluations") is None else f"{row['evaluations']:g}"
    return (
        f"{evaluations} | {seconds} | {row['frechet']:.3f} | {row['kernel']:.2f} ± {row['spread']:.2f} | {row['precision']:.3f} | "
        f"{row['recall']:.3f} | {row['perplexity']:.0f}")


def table(label, rows, within=False):
    """`within` adds the kernel distance within classes."""
    head = HEAD + (" | within classes" if within else "")
    lines = [f"| {label} | {head} |", "|---|" + "---:|" * (head.count("|") + 1)]
    for name, row in rows:
        if row:
            last = f" {row['within']:.2f} |" if within and row["within"] is not None else " – |" if within else ""
            lines.append(f"| {name} | {cells(row)} |{last}")
    return "\n".join(lines) + "\n"


def sampler_table(survey):
    return table(
        "sampler, steps",
        [(f"{name}, {count}", figures(survey, sampled(options, count)))
         for name, (options, steps) in SAMPLERS.items() for count in steps])


def default_guidance_table(survey):
    return table(
        "sampler, steps",
        [(f"{name}, {steps[2]}", figures(survey, sampled(options, steps[2], DEFAULT_GUIDANCE)))
         for name, (options, steps) in SAMPLERS.items()])


def write_plots(survey, folder):
    folder.mkdir(parents=True, exist_ok=True)
    by_sampler = []
    for name, (options, steps) in SAMPLERS.items():
        measured = [figures(survey, sampled(options, count)) for count in steps]
        line = [(row["evaluations"], row["frechet"]) for row in measured if row]
        if line:
            by_sampler.append((name, line))
    save(folder / "samplers.svg", plots.line_plot(
        "Fréchet distance by evaluations, no guidance", "evaluations per image", "Fréchet distance", by_sampler))
    scales = [(scale, figures(survey, guided(scale))) for scale in GUIDANCE]
    scales = [(scale, row) for scale, row in scales if row]
    save(folder / "guidance.svg", plots.line_plot(
        "Guidance: quality against diversity", "recall", "precision",
        [("", [(row["recall"], row["precision"]) for _, row in scales])], [f"g = {scale:g}" for scale, _ in scales]))
    save(folder / "guidance-distance.svg", plots.line_plot(
        "Guidance: kernel distance × 1000", "guidance scale g", "kernel distance × 1000",
        [("all images together", [(scale, row["kernel"]) for scale, row in scales]),
         ("within classes", [(scale, row["within"]) for scale, row in scales if row["within"] is not None])]))
    weights = [(weight, figures(survey, weighted(weight))) for weight in PURITY_WEIGHTS]
    save(folder / "purity-weight.svg", plots.line_plot(
        "Purity weight, no guidance", "purity weight r", "Fréchet distance",
        [("", [(weight, row["frechet"]) for weight, row in weights if row])]))


def save(path, text):
    if text:
        path.write_text(text)


def write(survey, docs):
    write_plots(survey, docs / "images" / "samplers")
    sections = {
        "reference": table("images", [(name, survey.reference(name)) for name in ["other real images", "encoded and decoded"]], True),
        "samplers": sampler_table(survey),
        "default guidance": default_guidance_table(survey),
        "guidance": table("g", [(f"{scale:g}", figures(survey, guided(scale))) for scale in GUIDANCE], True),
        "purity": table("r", [(f"{weight:g}", figures(survey, weighted(weight))) for weight in PURITY_WEIGHTS]),
    }
    page = docs / "samplers.md"
    text = page.read_text()
    for name, content in sections.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, rest = text.split(start)
        text = before + start + "\n" + content + "\n" + end + rest.split(end)[1]
    page.write_text(text)
