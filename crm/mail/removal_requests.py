"""Whether a person's words ask us to stop writing.

Read with restraint: only the first characters of what they wrote themselves, only phrases that are
about the writer, and none that is turned around ("please don't remove me").
"""

from __future__ import annotations

import re

from crm.mail.reply_words import phrase, plain

LOOKED_AT_CHARACTERS = 400

_US = (
    r"(?:me|us|my (?:e-?mail |mail |contact |personal )?"
    r"(?:e-?mail|mail|name|address|details|data|contact)|this (?:e-?mail|mail|address))"
)
_MAILS = r"(?:e-?mails?|mails?|messages?|newsletters?|spam)"
# "Don't e-mail me" is a request; "don't e-mail me the contract" is none.
_END = (
    r"(?=\s*(?:[.!,;:)]|\n|$)|\s+(?:again|any ?more|any longer|ever|in (?:the )?future|please|pls"
    r"|at all|further|thanks?)\b|\s+(?:at|on|under|via|using) this (?:e-?mail|mail|address)\b)"
)

# "How do I unsubscribe my team?" is about others.
_NOT_OTHERS = (
    r"(?! (?:(?:my|our) (?!(?:e-?mail|mail|address|name|account|self))|him\b|her\b|them\b"
    r"|people\b|users?\b|contacts?\b|customers?\b|some(?:one|body)\b|others?\b))"
)
_LISTS = r"(?:lists?|database|crm|records|system)"

_ENGLISH = (
    r"\bno longer (?:wish|want|care|like) to (?:receive|get|hear)\b",
    r"\b(?:do not|don't|dont) (?:wish|want|care) to (?:receive|get|hear)\b[^.!?\n]{0,40}?"
    r"(?:\b(?:any ?more|any longer|further|again|from you)\b|\b(?:your|these|such|more|any) "
    rf"(?:\w+ )?(?:{_MAILS}|communications?|correspondence|mailings?)\b)",
    r"\bremove (?:\S+@\S+ )?from (?:(?:your|the|this|all|any) )?(?:\w+[- ]){0,2}"
    rf"{_LISTS}\b",
    r"\bcancel (?:my|our|this) subscription\b",
    rf"\b(?:unsubscribe|unsub) {_US}\b",
    r"\b(?:please|pls|kindly) (?:unsubscribe|unsub|opt[- ]out)\b",
    r"\b(?:want|wish|like|need|asked|asking|ask|trying|tried|how (?:do|can) i|how to|cannot|can't|"
    r"could not|couldn't|(?:not |un)?able|let me) (?:to )?(?:be )?"
    rf"(?:unsubscribe(?:d)?|opt(?:ed)?[- ]out|removed? (?:me )?from|taken off)\b{_NOT_OTHERS}",
    rf"\b(?:remove|delete) {_US}\b",
    rf"\b(?:take|drop) {_US} (?:off|from|out)\b",
    rf"\bopt {_US} out\b",
    r"\b(?:stop|quit|cease) (?:sending|e-?mailing|mailing|writing|contacting|messaging|spamming|"
    r"bothering|harassing)(?: to)? (?:me|us|these|this|any|your|e-?mails?|mails?|messages?)\b",
    r"\b(?:stop|quit|cease) (?:e-?mailing|mailing|writing|contacting|messaging|spamming|"
    rf"bothering|harassing){_END}",
    r"\bstop (?:these|this|your|all) (?:e-?mails?|mails?|messages?|newsletters?|spam)\b",
    r"\b(?:do not|don't|dont|never) (?:ever )?(?:contact|e-?mail|mail|message|bother|"
    rf"write(?: to)?) (?:me|us){_END}",
    r"\b(?:do not|don't|dont|never) (?:ever )?send (?:me |us )?(?:any ?more|any|more|further|these|"
    rf"your) (?:more |further |of (?:these|your) )?{_MAILS}\b",
    r"(?:^|[.!,;:\n] ?|\b(?:please|want|wish|receive|get|send me) )"
    rf"no (?:more|further) {_MAILS}\b",
    rf"\bleave (?:me|us) alone{_END}",
)
_GERMAN = (
    r"\b(?:streichen|loschen|loeschen|entfernen) sie (?:bitte )?"
    r"(?:mich|uns|meine? (?:e-?mail|mail|adresse|daten)\S*)\b(?! (?:bitte )?nicht)",
    r"\b(?:streiche?|losche?|loesche?|entferne?|nimm|nehmt) "
    r"(?:mich|uns) (?:bitte )?(?:aus|von)\b",
    r"\bnehmen sie (?:bitte )?(?:mich|uns|meine? \S+) (?:bitte )?(?:aus|von)\b",
    r"\b(?:mich|uns) (?:bitte |hiermit |von \S+ |vom \S+ |von \S+ \S+ )?"
    r"(?:abmelden|austragen|abbestellen)\b",
    r"\b(?:melden|tragen) sie (?:mich|uns)(?:(?!\bnicht\b)[^.!?]){0,60} (?:ab|aus)\b",
    r"\bbestell\w* (?:ich )?(?:hiermit )?(?:den|ihren|diesen) newsletter(?: \S+)? ab\b",
    r"\bkeine (?:weiteren? )(?:e-?mails?|mails?|nachrichten|newsletter|werbung)\b",
    r"\bkeine (?:e-?mails?|mails?|nachrichten|newsletter|werbung) mehr\b",
    r"\b(?:schreiben|kontaktieren|mailen|belastigen) sie (?:mir|mich|uns) (?:bitte )?"
    r"nicht (?:mehr|wieder|weiter)\b",
    r"\bnicht (?:mehr|weiter) (?:angeschrieben|kontaktiert|belastigt) werden\b",
    r"\b(?:horen|hoeren) sie (?:bitte )?(?:auf|damit auf),? (?:mir|mich|uns) ",
)
_FRENCH = (
    r"\b(?:desabonne[rz]|desinscri(?:re|vez)|retire[rz]|supprime[rz]|enleve[rz]|raye[rz])"
    r"[- ](?:moi|nous|mon (?:adresse|e-?mail|mail|nom)|mes (?:donnees|coordonnees))\b",
    r"\bme (?:desabonner|desinscrire|retirer|supprimer|enlever)\b",
    r"\bne (?:plus )?(?:m'|me |nous )(?:\w+ )?(?:ecri\w+|contact\w+|envoy\w+|sollicit\w+) plus\b",
    r"\bne plus (?:m'|me |nous )?(?:ecri\w+|contact\w+|envoy\w+|sollicit\w+|recevoir)",
    r"\b(?:arrete[rz]|cesse[rz]) de (?:m'|me |nous )(?:ecri|contact|envoy|sollicit|harcel)",
    r"\bne (?:souhaite|veux|desire)\w* plus (?:recevoir|etre contact)",
    r"\bplus recevoir (?:de |d'|vos |aucun )(?:e-?mails?|mails?|courriels?|messages?)\b",
)
_SPANISH = (
    r"\b(?:darme|darnos|denme|denos|deme|dame|dar|den) (?:por favor )?de baja\b",
    r"\b(?:eliminen|elimine|borren|borre|quiten|quite|saquen|saque|retiren)(?:me|nos)\b",
    r"\b(?:eliminen|elimine|borren|borre|quiten|quite|retiren) "
    r"(?:mi|mis|nuestro) (?:correo|direccion|e-?mail|mail|datos|nombre)\b",
    r"\bno (?:deseo|quiero) (?:seguir )?recib\w+\b",
    r"\bno (?:me|nos) (?:vuelvan? a )?(?:escrib\w+|contact\w+|envi\w+|mand\w+)"
    r"(?: (?:mas|nunca|nunca mas)\b)",
    r"\bno (?:me|nos) vuelvan? a (?:escribir|contactar|enviar|mandar)\b",
    r"\bno (?:mas|(?:quiero|deseo) (?:recibir )?mas) (?:correos?|mensajes?|e-?mails?|mails?)\b",
    r"\b(?:dejen?|paren?) de (?:escribir|enviar|mandar|contactar|molestar)(?:me|nos)\b",
)
_ALONE = (
    r"(?:please |pls |kindly |just |bitte |por favor,? |merci de )?(?:me )?"
    r"(?:unsubscribe(?: please)?|unsub|opt[- ]?out|remove|stop(?: it| this| now| all)?|"
    r"take (?:me|us) off|abmelden|abmeldung|austragen|abbestellen|"
    r"desabonnement|desabonner|desinscription|baja|dar(?:me)? de baja|cancelar suscripcion)"
    r"(?: (?:please|pls|bitte|now|thanks|thank you|danke|merci|gracias|por favor|svp))?"
)

_PHRASES = re.compile(phrase("|".join((*_ENGLISH, *_GERMAN, *_FRENCH, *_SPANISH))))
# A single word asks for nothing in the middle of a text; as its first line it does.
_FIRST_LINE = re.compile(
    phrase(
        r"\W*(?:(?:hi|hello|hey|dear|hallo|sehr geehrte|guten tag|bonjour|hola|good \w+)\b"
        rf"[^\n]{{0,60}}\n\s*)?{_ALONE} *(?:[.!,;]|\n|$)"
    )
)
_SUBJECT = re.compile(
    phrase(rf"\W*{_ALONE}(?: (?:from|me|us|to|von|aus|de)\b[^\n]{{0,60}})?\W*"),
)
# "Cannot unsubscribe" is no refusal to go but a plea to be let out.
_TURNED_AROUND = re.compile(
    r"\b(?:(?:do|did|does|would|should|wo|is|are|was)n't|dont|never|without|instead of"
    r"|(?<!can )(?<!could )not|no|nicht|kein\w*|ne|pas|sans|sin)"
    r"(?:\s+(?:want|wanted|need|wish|have|like|asking|ask|going|planning|to|you|ever|just|yet|be"
    r"|mich|uns|mochte|will|veux|souhaite|me|nous|quiero|deseo|queremos)){0,4}\s*$"
)


def asks_to_stop(new_text: str, subject: str) -> bool:
    """Whether it is a request to be removed.

    `new_text` is what the person wrote, without what they quoted: our own footer offers to
    unsubscribe. A subject counts only where it is theirs, not "Re:" and ours.
    """
    if _SUBJECT.fullmatch(plain(subject)):
        return True
    words = plain(new_text).strip()
    # A phrase may end beyond the limit, not begin there.
    words = words[: LOOKED_AT_CHARACTERS + 100]
    return _FIRST_LINE.match(words) is not None or any(
        found.start() < LOOKED_AT_CHARACTERS and not _is_turned_around(words, found.start())
        for found in _PHRASES.finditer(words)
    )


def _is_turned_around(words: str, start: int) -> bool:
    before = words[max(0, start - 60) : start]
    return _TURNED_AROUND.search(before) is not None
