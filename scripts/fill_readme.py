"""Put the numbers of a finished quickstart into both READMEs: `python scripts/fill_readme.py runs/quickstart`.

The table stands between the marks <!-- ladder --> and <!-- /ladder -->; nobody types a number by hand. Run it on the
machine that made the run: the note under the table names it.
"""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from zhixing.core.provenance import describe_machine
from zhixing.report.words import rung_title

ROOT = Path(__file__).parents[1]
PAGES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
HEADS = {
    "en": (
        "model | bits per byte [95 %] | English | Chinese | parameters | training | trained tokens/s | "
        "generated tokens/s | file"
    ),
    "zh": "模型 | 比特/字节 [95 %] | 英文 | 中文 | 参数 | 训练 | 训练词元/秒 | 生成词元/秒 | 文件",
}
NOTES = {
    "en": "Lower is better. One run, seed {seed}, {seconds:.0f} s in all (text, training, scoring, report) on {machine}.",
    "zh": "越低越好。一次运行，种子 {seed}，从文本、训练、评分到报告共 {seconds:.0f} 秒；机器：{machine}。",
}


def table(result: dict[str, Any], seed: int, language: str) -> str:
    """The ladder as a Markdown table, best model first, and below it how it was made."""
    head = HEADS[language]
    columns = head.count("|") + 1
    lines = [f"| {head} |", "|" + "---|" * columns]
    ranked = sorted(result["ladder"], key=lambda rung: rung["bits_per_byte"]["all"])
    lines += [f"| {row(rung, language)} |" for rung in ranked]
    made = {"seed": seed, "seconds": result["seconds"], "machine": describe_machine()}
    note = NOTES[language].format(**made)
    return "\n".join([*lines, "", note])


def row(rung: dict[str, Any], language: str) -> str:
    """One model."""
    bits = rung["bits_per_byte"]
    interval = f"{bits['all']:.3f} [{rung['low']:.3f}, {rung['high']:.3f}]"
    cells = [
        rung_title(rung["model"]).of(language),
        interval,
        *(f"{bits[tag]:.3f}" if tag in bits else "–" for tag in ("en", "zh")),
        f"{rung['parameters'] / 1e6:.1f} M",
        f"{rung['train_seconds']:.0f} s",
        f"{rung['train_tokens_per_second']:,.0f}",
        f"{rung['generate_tokens_per_second']:,.0f}",
        f"{rung['bytes'] / 1e6:.1f} MB",
    ]
    return " | ".join(cells)


def fill(page: str, content: str) -> str:
    """The page with `content` between the marks."""
    before, rest = page.split("<!-- ladder -->", 1)
    _, after = rest.split("<!-- /ladder -->", 1)
    return f"{before}<!-- ladder -->\n{content}\n<!-- /ladder -->{after}"


def main(folder: Path) -> None:
    """Rewrite the marked part of both pages."""
    result = json.loads((folder / "result.json").read_text("utf-8"))
    seed = tomllib.loads((folder / "gpt/recipe.toml").read_text("utf-8"))["seed"]
    for language, page in PAGES.items():
        text = page.read_text("utf-8")
        page.write_text(fill(text, table(result, seed, language)), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
