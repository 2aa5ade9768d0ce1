"""The words that tell kinds of replies apart, in the languages customers write in.

All of it is compared in one plain spelling (see `plain`): lower case, no accents.
"""

from __future__ import annotations

import re
import unicodedata

_SPELLINGS = str.maketrans("’‘´`“”„‐‑Łł", "''''\"\"\"--ll")
# Latin, Greek and Cyrillic accents; the voicing marks of Japanese are letters, not ornament.
_ACCENTS = re.compile("[\u0300-\u036f]")
_BLANKS = re.compile(r"[^\S\n]+")

# These stand at the start of nothing a person would write as a subject.
_UNMISTAKABLE_SUBJECTS = (
    # English
    "automatic reply", "auto reply", "auto-reply", "autoreply", "automatic response",
    "auto response", "auto-response", "automated reply", "automated response",
    "out of office autoreply", "out of office auto-reply", "vacation reply", "vacation responder",
    "undeliverable", "undelivered mail", "mail delivery failed", "mail delivery failure",
    "mail delivery subsystem", "delivery status notification", "delivery failure",
    "returned mail", "failure notice",
    # German
    "automatische antwort", "automatische ruckantwort", "autom. antwort", "automatische nachricht",
    "abwesenheitsnotiz", "abwesenheitsnachricht", "abwesenheitsmeldung", "abwesenheitsassistent",
    "abwesenheitsbenachrichtigung", "automatische abwesenheit", "unzustellbar",
    # French
    "reponse automatique", "message automatique", "message d'absence", "notification d'absence",
    "absence du bureau", "non remis",
    # Spanish
    "respuesta automatica", "contestacion automatica", "mensaje automatico",
    "aviso de ausencia", "no se puede entregar",
    # Italian
    "risposta automatica", "messaggio automatico", "avviso di assenza", "non recapitabile",
    # Dutch
    "automatisch antwoord", "automatische beantwoording", "automatische reactie",
    "afwezigheidsbericht", "afwezigheidsmelding", "niet-bezorgbaar",
    # Portuguese
    "resposta automatica", "mensagem automatica", "aviso de ausencia",
    # Swedish, Danish, Norwegian, Finnish
    "automatiskt svar", "automatiskt meddelande", "autosvar", "franvaromeddelande",
    "automatisk svar", "fraværsbesked", "fraværsmelding", "fraværsassistent",
    "automaattinen vastaus", "poissaoloilmoitus", "poissaoloviesti",
    # Polish, Czech, Hungarian, Russian, Turkish
    "automatyczna odpowiedz", "odpowiedz automatyczna", "autoodpowiedz",
    "automaticka odpoved", "automatikus valasz", "автоматический ответ", "автоответ",
    "otomatik yanıt",
    # Japanese, Chinese, Korean
    "自動応答", "自動返信", "不在通知", "不在のお知らせ", "自动回复", "自动答复", "自動回覆",
    "自動回復", "자동 회신", "자동 응답", "자동응답", "부재중",
)  # fmt: skip

# These may begin a person's subject too ("Out of office furniture"): what follows decides.
_EVERYDAY_SUBJECTS = (
    "out of office", "out of the office", "out-of-office", "ooo", "away from the office",
    "away from my office", "away from my desk", "on vacation", "on holiday", "on annual leave",
    "annual leave", "on leave", "i am out of the office", "i am on vacation",
    "abwesenheit", "abwesend", "im urlaub", "nicht im buro", "ausser haus",
    "ich bin im urlaub", "ich bin abwesend", "ich bin nicht im buro",
    "absent", "absente", "absence", "en conges", "en vacances", "je suis absent",
    "je suis absente", "indisponible",
    "fuera de la oficina", "fuera de oficina", "ausente", "ausencia", "de vacaciones",
    "fuori ufficio", "fuori sede", "assente", "assenza", "in ferie",
    "afwezig", "afwezigheid", "niet op kantoor", "op vakantie",
    "fora do escritorio", "em ferias", "de ferias",
    "franvaro", "franvarande", "ej pa kontoret", "inte pa kontoret", "pa semester",
    "fravær", "fraværende", "ikke pa kontoret", "ikke til stede", "pa ferie",
    "poissa", "poissaolo", "olen lomalla", "lomalla",
    "poza biurem", "nieobecnosc", "nieobecny", "nieobecna", "na urlopie",
    "nepritomnost", "mimo kancelar", "вне офиса", "不在", "外出中",
)  # fmt: skip

_FOLLOWERS = (
    "until", "till", "from", "re", "reply", "auto", "autoreply", "message", "notification",
    "notice", "response", "assistant", "today", "this", "back", "returning", "and", "bis", "vom",
    "ab", "du", "jusqu", "hasta", "del", "fino", "dal", "tot", "van", "ate", "fran", "till", "til",
    "fra", "asti", "do", "od",
)  # fmt: skip

_AWAY = (
    "out of office", "out of the office", "out-of-office", "away from the office",
    "away from my desk", "away from my e-?mail", "(?:i am|i'm|we are|i will be|i'll be) away",
    "(?:i am|i'm|we are|i will be|i'll be) (?:currently )?(?:off|out|travell?ing|closed)",
    "on (?:\\w+ )?(?:vacation|holidays?|leave|pto)", "(?:annual|parental|maternity|sick) leave",
    "office (?:is|will be) closed", "not in the office",
    "back (?:in (?:the|my|our) office|at work|at my desk)",
    "(?:i am|i'm|i will be|i'll be|we are|we will be) back", "(?:i|we)(?:'ll| will)? return",
    "(?:up)?on my return", "limited access to (?:my )?e-?mails?",
    "abwesen\\w*", "im urlaub", "nicht im (?:buro|haus|hause)", "ausser haus",
    "nicht erreichbar", "wieder (?:im (?:buro|haus|hause)|da|erreichbar)", "zuruck (?:am|ab)",
    "(?:buro|praxis) (?:ist|bleibt) geschlossen", "elternzeit",
    "absente?s?", "absence", "de retour", "en (?:conges?|vacances|deplacement)", "bureau est ferme",
    "fuera de la oficina", "fuera de oficina", "ausente", "ausencia", "de vacaciones",
    "fuori ufficio", "fuori sede", "assente", "assenza", "in ferie",
    "afwezig\\w*", "niet (?:op kantoor|aanwezig)", "(?:op|met) (?:vakantie|verlof)",
    "fora do escritorio", "(?:de|em) ferias",
    "franvar\\w*", "(?:ej|inte) pa kontoret", "pa semester", "tjanstledig",
    "fravær\\w*", "ikke pa kontoret", "ikke til stede", "pa (?:ferie|kontoret igen)",
    "poissa\\w*", "lomalla", "en ole (?:toimistolla|paikalla)",
    "poza biurem", "nieobecn\\w*", "na urlopie", "nepritomn\\w*", "mimo kancelar",
    "вне офиса", "в отпуске",
)  # fmt: skip
_AWAY_CJK = ("不在", "休暇", "休業", "外出", "出張", "不在办公室", "休假", "부재", "휴가")


def plain(text: str) -> str:
    """Lower case without accents, one kind of quotes, hyphens and blanks; line ends stay."""
    unfolded = unicodedata.normalize("NFKD", text.translate(_SPELLINGS)).casefold()
    letters = unicodedata.normalize("NFC", _ACCENTS.sub("", unfolded))
    return _BLANKS.sub(" ", letters)


def phrase(pattern: str) -> str:
    """The pattern with its blanks matching wrapped lines too; "any blanks" stay on their line."""
    return re.sub(" (?![*?+])", lambda _: r"\s+", pattern)


def _either(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))


_UNMISTAKABLE_SUBJECT = re.compile(rf"\W*(?:{_either(_UNMISTAKABLE_SUBJECTS)})(?![a-z])")
_AUTOMATIC_SUBJECT = re.compile(
    rf"{_UNMISTAKABLE_SUBJECT.pattern}"
    rf"|\W*(?:(?:{_either(_EVERYDAY_SUBJECTS)})"
    rf"(?:$|\s*[^\w\s]|[\u3000-\uffff]|\s+(?:\d|(?:{_either(_FOLLOWERS)})\b)))"
)
_REPLY_PREFIXES = re.compile(r"(?:\s*(?:re|aw|antw|sv|vs|odp|rif|ref|r|tr|fw|fwd|wg)\s*:)+\s*")
_AWAY_WORDS = re.compile(rf"\b(?:{phrase('|'.join(_AWAY))})\b|{'|'.join(_AWAY_CJK)}")


def is_automatic_subject(subject: str, *, behind_prefix: bool = False) -> bool:
    """A program's subject by its first words. Behind "Re:" it is somebody's answer to one, unless
    `behind_prefix` asks to look there as well."""
    words = plain(subject).strip()
    if behind_prefix:
        words = _REPLY_PREFIXES.sub("", words, count=1)
    return _AUTOMATIC_SUBJECT.match(words) is not None


def own_subject(subject: str) -> str:
    """The words of an automatic subject that are not ours: "Automatic reply: " and "Re: " are
    followed by the subject of the e-mail they answer."""
    words = plain(subject).strip()
    if _UNMISTAKABLE_SUBJECT.match(words):
        return ""
    return re.split(r"\b(?:re|aw|sv|tr)\s*:", words, maxsplit=1)[0]


def says_away(text: str) -> bool:
    return _AWAY_WORDS.search(plain(text)) is not None
