"""What somebody wrote themselves, without what they quoted, signed or got added by their device."""

from __future__ import annotations

import re
from itertools import pairwise

from crm.mail.reply_words import plain

MAX_READ_CHARACTERS = 200_000
_ATTRIBUTION_LINES = 3
_ATTRIBUTION_CHARACTERS = 400
_HEADER_BLOCK_LINES = 5

# What mail programs put above a quotation ends in a colon and has an address, a year or a time.
_WROTE = re.compile(
    r"(?:\b(?:wrote|writes|a ecrit|escribio|ha scritto|escreveu|kirjoitti|napisal(?:\(a\)|a)?"
    r"|irta|написал\w*|пишет)|のメッセージ|書きました|写道|작성)\s?[:：]$"
    r"|\b(?:schrieb|geschrieben|schreef|skrev)\b.*[:：]$"
)
_EXACT = re.compile(r"@|(?:19|20)\d\d|\d[:.]\d\d")
_DATED_ADDRESS = re.compile(r"(?:19|20)\d\d[-/年].*<[^<>]*@[^<>]*>\s*:$")
_ORIGINAL = re.compile(
    r"[-_ ]{2,}\s*(?:original message|original appointment|forwarded message"
    r"|ursprungliche nachricht|originalnachricht|weitergeleitete nachricht|message d'origine"
    r"|message original|mensaje original|messaggio originale|oorspronkelijk bericht"
    r"|mensagem original|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding"
    r"|alkuperainen viesti|wiadomosc oryginalna)\s*[-_ ]*"
)
_UNDERSCORES = re.compile(r"_{10,}")
_FROM_LINE = re.compile(
    r"\*?(?:from|von|de|da|van|fran|fra|lahettaja|od|差出人|发件人|보낸 사람)\s?[:：]\*?\s*\S.*"
)
_SENT_LINE = re.compile(
    r"\*?(?:sent|date|gesendet|datum|envoye(?: le)?|enviado(?: el| em)?|fecha|inviato|data"
    r"|verzonden|skickat|sendt|lahetetty|wyslano|送信日時|日時|发送时间|보낸 날짜"
    r"|to|an|a|para|aan|till|til|subject|betreff|objet|asunto|oggetto|onderwerp|assunto|amne|emne"
    r"|aihe|temat|宛先|件名)\s?[:：]\*?\s*\S.*"
)
_DEVICE = re.compile(
    r"(?:sent from (?:my |the )?(?:\w+ ){0,3}\w+|get outlook for \w+.*|sent (?:via|with) .{1,60}"
    r"|(?:von meinem|gesendet von|diese nachricht wurde von meinem) .{1,60}"
    r"|envoye (?:de|depuis) .{1,60}|telecharger outlook .*|enviado desde .{1,60}"
    r"|enviado do meu .{1,60}|inviato da .{1,60}|verstuurd vanaf .{1,60}|skickat fran .{1,60}"
    r"|sendt fra .{1,60}|lahetetty .{1,40}sta|wyslane z .{1,60}|iphoneから送信)[.!]?"
)
_SIGNATURE = re.compile(r"--\s?")


def new_text(text: str) -> str:
    """The writer's own lines, whether they stand above, below or between the quoted ones.

    The name below a letter stays: cutting signatures by guess has cost sentences elsewhere.
    """
    lines = [line.strip() for line in text[:MAX_READ_CHARACTERS].splitlines()]
    lines = _without_attributions(lines)
    own = [line for line in _until_the_original(lines) if not line.startswith((">", "|>"))]
    own = [line for line in _until_signature(own) if not _DEVICE.fullmatch(plain(line))]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(own)).strip()


def _without_attributions(lines: list[str]) -> list[str]:
    """Above lines with ">" the attribution alone goes; above bare ones all that follows is old."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        height = _attribution_height(lines, at)
        if height and not _quoted_below(lines, at + height):
            return kept
        if not height:
            kept.append(lines[at])
        at += height or 1
    return kept


def _attribution_height(lines: list[str], at: int) -> int:
    """How many lines the "On …, … wrote:" that begins here takes; 0 where none does."""
    if not lines[at] or lines[at].startswith(">"):
        return 0
    for height in range(1, _ATTRIBUTION_LINES + 1):
        part = lines[at : at + height]
        if not part[-1] or part[-1].startswith(">"):
            return 0
        # A long line is somebody's paragraph; the check keeps it cheap too.
        if sum(map(len, part)) > _ATTRIBUTION_CHARACTERS:
            return 0
        if part[-1].endswith((":", "：")):
            return height if _is_attribution(plain(" ".join(part))) else 0
    return 0


def _is_attribution(words: str) -> bool:
    if _DATED_ADDRESS.search(words):
        return True
    return bool(_WROTE.search(words) and _EXACT.search(words))


def _quoted_below(lines: list[str], at: int) -> bool:
    below = next((line for line in lines[at:] if line), ">")
    return below.startswith(">")


def _until_the_original(lines: list[str]) -> list[str]:
    words = [plain(line[:_ATTRIBUTION_CHARACTERS]) for line in lines]
    for at, line in enumerate(words):
        if _ORIGINAL.fullmatch(line) or _UNDERSCORES.fullmatch(line):
            return lines[:at]
        if _FROM_LINE.fullmatch(line) and _is_header_block(words[at + 1 :][:_HEADER_BLOCK_LINES]):
            return lines[:at]
    return lines


def _is_header_block(below: list[str]) -> bool:
    """Two of Sent, To and Subject at least: a letter has single lines of that form."""
    filled = [line for line in below if line]
    return any(_SENT_LINE.fullmatch(a) and _SENT_LINE.fullmatch(b) for a, b in pairwise(filled))


def _until_signature(lines: list[str]) -> list[str]:
    """RFC 3676, section 4.3: two hyphens and a blank on a line of their own."""
    for at, line in enumerate(lines):
        if _SIGNATURE.fullmatch(line) and any(lines[:at]):
            return lines[:at]
    return lines
