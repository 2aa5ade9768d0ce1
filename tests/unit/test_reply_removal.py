"""Who asks to be removed, and who only uses the words."""

from __future__ import annotations

import pytest

from crm.mail.removal_requests import LOOKED_AT_CHARACTERS, asks_to_stop

RE = "Re: Three things to ask first"
REQUESTS = [
    "I no longer wish to receive these emails",
    "I don't want to receive your emails anymore",
    "I do not wish to receive any further communication.",
    "Remove from your mailing list please",
    "Please remove grace@customer.example from your list",
    "Not interested, remove from list",
    "Please cancel my subscription",
    "Please take me off this list.",
    "Ich möchte nicht mehr angeschrieben werden.",
    "Je ne souhaite plus être contacté.",
    "No deseo recibir correos.",
    "unsubscribe",
    "Unsubscribe please.",
    "STOP",
    "stop",
    "Please unsubscribe me from this list.",
    "Hi Morgan,\n\nunsubscribe\n\nGrace",
    "Please remove me.",
    "remove my e-mail address from your database",
    "Take me off your mailing list!",
    "take us off\nyour list",
    "Please delete my details.",
    "Opt me out",
    "I want to opt out.",
    "I'd like to be removed from this list",
    "How do I unsubscribe?",
    "I cannot unsubscribe, your link is broken.",
    "Your page says I can not unsubscribe me.",
    "I am not able to unsubscribe!",
    "Stop e-mailing me.",
    "stop emailing us",
    "Please stop writing to me",
    "Stop contacting me!!",
    "stop sending me these",
    "Stop these emails.",
    "Would you please stop emailing me?",
    "Do not contact me again.",
    "Don’t email me",
    "don't write to us any more",
    "Please do not contact me at this address.",
    "Do not send me any more emails",
    "No more emails please",
    "Please, no further messages.",
    "Leave me alone.",
    "No, please remove me.",
    "No thanks, please remove me.",
    "Not interested please unsubscribe me",
    "Bitte nehmen Sie mich aus dem Verteiler.",
    "Bitte streichen Sie mich von Ihrer Liste",
    "Löschen Sie meine E-Mail-Adresse!",
    "Bitte keine weiteren Mails.",
    "Ich möchte keine Mails mehr bekommen.",
    "Schreiben Sie mir nicht mehr.",
    "Ich möchte mich abmelden.",
    "Abmelden",
    "Bitte melden Sie mich vom Newsletter ab.",
    "Merci de me désinscrire.",
    "Désabonnez-moi",
    "Retirez-moi de votre liste",
    "Ne m’écrivez plus.",
    "Merci de ne plus m'envoyer de mails",
    "Arrêtez de m'écrire",
    "Je souhaite me désabonner.",
    "Por favor, denme de baja.",
    "Quiero darme de baja",
    "Elimínenme de su lista",
    "No me escriban más",
    "No quiero recibir más correos.",
    "Dejen de enviarme publicidad",
    "BAJA",
]
OTHERS = [
    "How do I unsubscribe my team from the trial? Let's meet",
    "Please remove the old price from the list of offers.",
    "I don't want to receive the parcel before Monday.",
    "Please don't cancel my subscription!",
    "Please don't remove me, I read every one.",
    "Don't unsubscribe me!",
    "please do not take me off the list",
    "I do not want to unsubscribe.",
    "I never asked to be removed from anything.",
    "Bitte melden Sie mich nicht ab.",
    "Löschen Sie mich nicht.",
    "Je ne veux pas me désabonner.",
    "No quiero darme de baja.",
    "Can your tool show who clicked unsubscribe?",
    "How many customers unsubscribe in a month?",
    "Don't email me the contract, post it.",
    "Do not contact me by phone, e-mail is better.",
    "Don't send me the invoice yet.",
    "There were no more emails after Monday.",
    "We stopped sending invoices.",
    "Let's stop here and talk on Monday.",
    "I'd like to remove the second paragraph.",
    "Ich habe keine Mail bekommen.",
    "Ich möchte mich für das Webinar anmelden.",
    "Je voudrais plus de mails d'exemple.",
    "No me escribió nadie.",
    "Thanks!",
    "",
]


@pytest.mark.parametrize("text", REQUESTS)
def test_a_request_is_understood(text: str) -> None:
    assert asks_to_stop(text, RE)


@pytest.mark.parametrize("text", OTHERS)
def test_anything_else_is_a_reply_like_any_other(text: str) -> None:
    assert not asks_to_stop(text, RE)


@pytest.mark.parametrize(
    "subject",
    ["Unsubscribe", "STOP", "please remove me", "unsubscribe me from your list", "Abmelden!"],
)
def test_a_subject_of_their_own_is_enough(subject: str) -> None:
    assert asks_to_stop("", subject)


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Unsubscribe",
        "AW: STOP",
        "How customers unsubscribe",
        "Stop by our booth",
        "Removed parts",
    ],
)
def test_a_subject_of_ours_or_about_something_is_not(subject: str) -> None:
    assert not asks_to_stop("Thanks", subject)


def test_a_request_far_down_in_a_letter_is_left_to_people() -> None:
    letter = "A word. " * (LOOKED_AT_CHARACTERS // 8)
    assert asks_to_stop(letter[:-20] + "\nPlease remove me.", RE)
    assert not asks_to_stop(letter + " Please remove me.", RE)
