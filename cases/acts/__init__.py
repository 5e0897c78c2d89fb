"""What may be said to a case, one verb a file: this is the one door to them.

Every verb is given its transaction and never commits; `now` is an aware time; `version` is that of the page the actor
has read, None where there was none. All raise `lifecycle.Refused`. Those that tell the citizen something return the id
of the message in the outbox, None where there is none: the caller rings the bell after the commit.
"""

from cases.acts.acknowledge import acknowledge as acknowledge
from cases.acts.amend import amend as amend
from cases.acts.answer import answer as answer
from cases.acts.assign import assign as assign
from cases.acts.close import close as close
from cases.acts.commit import commit as commit
from cases.acts.commit import drop as drop
from cases.acts.escalate import escalate as escalate
from cases.acts.hear import hear as hear
from cases.acts.letter import Letter as Letter
from cases.acts.letter import hand as hand
from cases.acts.letter import print_letter as print_letter
from cases.acts.letter import type_in as type_in
from cases.acts.note import note as note
from cases.acts.open import open as open  # noqa: A004 - the word for it everywhere
from cases.acts.pass_on import pass_on as pass_on
from cases.acts.refer import refer as refer
from cases.acts.reopen import reopen as reopen
from cases.acts.resend import resend as resend
from cases.acts.resend import revoke as revoke
from cases.acts.resolve import resolve as resolve
from cases.acts.start import start as start
from cases.acts.step import step as step
from cases.acts.verdict import accept as accept
from cases.acts.verdict import appeal as appeal
from cases.acts.verdict import confirm as confirm
from cases.acts.verdict import dispute as dispute
from cases.acts.verdict import say_done as say_done
from cases.acts.withdraw import go_on as go_on
from cases.acts.withdraw import say_wish as say_wish
from cases.acts.withdraw import wish as wish
from cases.acts.withdraw import withdraw as withdraw
