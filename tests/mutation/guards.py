"""The guards: what stands between a fault and a second letter, a lost one or an unwanted one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MESSAGES = "src/heyday/db/sql/message_logs.sql"
_PLANS = "src/heyday/db/sql/plans.sql"
_PRIVACY = "src/heyday/db/sql/privacy.sql"
_RESOLUTIONS = "src/heyday/db/sql/resolutions.sql"
_LOGS = "src/heyday/db/message_logs.py"
_USERS_SQL = "src/heyday/db/sql/users.sql"
_TRANSPORT = "src/heyday/db/transport.py"
_BATCH_ANSWERS = "src/heyday/senders/batch_answers.py"
_RESOLVING_HOSTS = "src/heyday/senders/resolving.py"
_JUDGING = "src/heyday/senders/providers/judging.py"
_PROVIDER = "src/heyday/senders/providers/sender.py"
_RESEND = "src/heyday/senders/providers/resend.py"
_DELIVERY = "src/heyday/domain/delivery.py"
_EVENTS = "src/heyday/db/sql/events.sql"
_RETRY = "src/heyday/domain/retry.py"
_GATE = "src/heyday/services/gate.py"
_DAY_QUOTA = "src/heyday/services/day_quota.py"
_LEASES = "src/heyday/services/leases.py"
_ROUTES = "src/heyday/services/routes.py"
_SCHEDULING = "src/heyday/services/scheduling.py"
_SENDING = "src/heyday/services/sending.py"
_SERVE = "src/heyday/cli/serve.py"
_SMTP = "src/heyday/senders/smtp_transaction.py"
_HEADER_LINES = "src/heyday/senders/header_lines.py"
_SAFE_MODE = "src/heyday/services/safe_mode.py"
_WORKER = "src/heyday/workers/message.py"
_GRAMMAR = "src/heyday/texts/grammar.py"
_TEXT = "src/heyday/texts/text.py"

_IMPORT = "tests/integration/test_import.py"
_SENDING_TESTS = "tests/integration/services/test_sending.py"
_FAILOVER = "tests/integration/services/test_failover.py"
_BATCHES = "tests/integration/services/test_batches.py"
_BATCH_ANSWERS_TESTS = "tests/unit/senders/test_batch_answers.py"
_SMTP_TESTS = "tests/unit/senders/test_smtp.py"
_MIME_TESTS = "tests/unit/senders/test_mime.py"
_SAFE_MODE_TESTS = "tests/unit/services/test_safe_mode.py"
_CONTRACTS = "tests/contracts/test_contracts.py"
_PROVIDER_BATCHES = "tests/contracts/test_batches.py"
_WEBHOOK_TESTS = "tests/unit/senders/providers/test_webhook.py"
_GATE_TESTS = "tests/unit/services/test_gate.py"
_DAY_QUOTA_TESTS = "tests/unit/services/test_day_quota.py"
_DAY_COUNTS = "tests/integration/db/test_day_counts.py"
_DAY_CAPS = "tests/integration/services/test_day_caps.py"
_DOMAIN_TESTS = "tests/unit/services/test_domain_limits.py"
_SPREAD = "tests/integration/services/test_spread.py"
_SCHEDULING_TESTS = "tests/integration/services/test_scheduling.py"
_RACES = "tests/integration/services/test_races.py"
_LEAVING = "tests/integration/services/test_unsubscribing.py"
_BY_SQL = "tests/integration/services/test_edits_by_sql.py"
_EDITS = "tests/integration/services/test_edits.py"
_OCCASIONS = "tests/integration/services/test_occasions.py"
_WRITTEN = "tests/integration/services/test_written_lately.py"
_RESOLVING = "tests/integration/services/test_resolving.py"
_TRYING_AGAIN = "tests/integration/services/test_trying_again.py"
_CANCELLING = "tests/integration/services/test_cancelling.py"
_TEXTS = "tests/integration/services/test_texts_in_plans.py"
_ERASING = "tests/integration/services/test_privacy.py"
_EVENTS_TESTS = "tests/integration/services/test_events.py"
_TRANSPORT_TESTS = "tests/integration/db/test_transport.py"
_DELIVERY_TESTS = "tests/unit/domain/test_delivery.py"
_RETRY_TESTS = "tests/unit/domain/test_retry.py"
_WORKER_TESTS = "tests/unit/workers/test_message.py"
_TEMPLATES = "tests/unit/texts/test_template.py"
_TEXT_TESTS = "tests/unit/texts/test_text.py"
_BOOK_TESTS = "tests/unit/texts/test_book.py"


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard, and how to take it away.

    file, text: where it stands, which must be once.   without: what is there without it.
    tests: those of which one must fail then.   purpose: what it is for.
    """

    name: str
    purpose: str
    file: str
    text: str
    without: str
    tests: Sequence[str]

    def remove_from(self, root: Path) -> str:
        """Return the file of a checkout without the guard. Raises ValueError if it is not there."""
        source = (root / self.file).read_text("utf-8")
        found = source.count(self.text)
        if found != 1:
            raise ValueError(
                f"{self.name}: its text stands {found} times in {self.file}, expected once; "
                "bring tests/mutation/guards.py up to date"
            )
        return source.replace(self.text, self.without)


GUARDS: tuple[Guard, ...] = (
    # --- One row for one key
    Guard(
        "ledger",
        "A key that is in the ledger gets no second row.",
        _PLANS,
        "FROM due\nJOIN ledger USING (delivery_date, user_id)\n",
        "FROM due\n",
        [f"{_RACES}::test_the_planner_waits_for_a_move_and_writes_no_second_row"],
    ),
    Guard(
        "ledger: on conflict",
        "Whoever finds the key taken writes nothing, instead of failing with all its plan.",
        _PLANS,
        "    ON CONFLICT DO NOTHING\n    RETURNING delivery_date, user_id",
        "    RETURNING delivery_date, user_id",
        [f"{_RACES}::test_the_planner_waits_for_a_move_and_writes_no_second_row"],
    ),
    # --- The claim
    Guard(
        "claim: status",
        "Only what is QUEUED is claimed: a second delivery of a batch finds nothing.",
        _MESSAGES,
        "  AND t.status {movable} AND m.status {movable} AND m.epoch = t.epoch\n",
        "  AND m.epoch = t.epoch\n",
        [f"{_SENDING_TESTS}::test_a_second_delivery_of_a_batch_sends_nothing"],
    ),
    Guard(
        "claim: as it was read",
        "Of two workers with one batch, the second waits and then sees what the first did.",
        _MESSAGES,
        "  AND t.status {movable} AND m.status {movable} AND m.epoch = t.epoch\n",
        "  AND t.status {movable}\n",
        [f"{_RACES}::test_a_claim_waits_for_another_of_the_same_batch_and_finds_nothing"],
    ),
    Guard(
        "claim: epoch",
        "Each claim has an epoch of its own, under which alone its outcome is written.",
        _MESSAGES,
        "    epoch = m.epoch + 1,\n    lease_until = CASE",
        "    lease_until = CASE",
        [f"{_SENDING_TESTS}::test_a_worker_that_lost_its_lease_cannot_write_over_the_next_one"],
    ),
    Guard(
        "claim: sender",
        "What may have been taken by one provider leaves through that one or through none.",
        _MESSAGES,
        "    sender = CASE WHEN m.ambiguous_since IS NOT NULL\n                       OR coalesce(",
        "    sender = CASE WHEN coalesce(",
        [f"{_FAILOVER}::test_who_dies_in_a_call_has_said_through_whom_and_it_stays_there"],
    ),
    Guard(
        "claim: who says through whom",
        "The sender is on record before the call, for a worker that dies in it.",
        _MESSAGES,
        "                  ELSE coalesce(t.sender, m.sender) END,\n",
        "                  ELSE m.sender END,\n",
        [f"{_FAILOVER}::test_two_that_are_well_get_their_shares_and_rows_say_whose_they_were"],
    ),
    Guard(
        "routes: sender is gone",
        "What may have been taken by a provider that is named no more is nobody else's.",
        _ROUTES,
        '        return self._routes.get(message.sender or "")\n',
        '        return self._routes.get(message.sender or "", self._any)\n',
        [f"{_FAILOVER}::test_if_its_sender_is_gone_a_person_decides_and_is_told_why"],
    ),
    Guard(
        "routes: not let go",
        "What a provider says of a greeting that it may have taken is not undone for another.",
        _ROUTES,
        "        if message.ambiguous_since is not None:\n            return outcome\n",
        "",
        ["tests/unit/services/test_routes.py::test_what_may_have_been_taken_is_not_let_go"],
    ),
    Guard(
        "routes: at once",
        "Nobody waits for a provider that is away while another one is well.",
        _ROUTES,
        "            return replace(outcome, retry_after=None)\n",
        "            return outcome\n",
        [f"{_FAILOVER}::test_all_leave_through_the_other_in_time_and_shares_return"],
    ),
    Guard(
        "claim: instant",
        "Nothing leaves before its instant, whoever delivers a batch early.",
        _MESSAGES,
        "          AND scheduled_send_time <= $4 AND (next_attempt_at IS NULL",
        "          AND (next_attempt_at IS NULL",
        [f"{_SENDING_TESTS}::test_nothing_is_claimed_before_its_instant"],
    ),
    Guard(
        "claim: next attempt",
        "Nothing is tried again before its backoff is over.",
        _MESSAGES,
        "<= $4 AND (next_attempt_at IS NULL OR next_attempt_at <= $4)",
        "<= $4",
        [f"{_SENDING_TESTS}::test_nothing_is_claimed_before_its_next_attempt"],
    ),
    Guard(
        "claim: late window",
        "What is a day late is no greeting any more.",
        _MESSAGES,
        "                WHEN m.scheduled_send_time < {skip_before} "
        "THEN 'the late window had passed'\n",
        "                WHEN false THEN 'the late window had passed'\n",
        [f"{_SENDING_TESTS}::test_a_retry_that_is_too_late_is_skipped_when_it_is_claimed"],
    ),
    Guard(
        "claim: deleted",
        "No attempt starts after a deletion has been committed.",
        _MESSAGES,
        "WHEN p.is_deleted THEN 'person deleted'\n",
        "WHEN false THEN 'person deleted'\n",
        [f"{_RACES}::test_the_claim_waits_for_a_delete_by_sql_and_sends_nothing"],
    ),
    Guard(
        "claim: unsubscribed",
        "No attempt starts after somebody has unsubscribed.",
        _MESSAGES,
        "WHEN coalesce(p.unsubscribed_at, {left_at}) IS NOT NULL\n",
        "WHEN {left_at} IS NOT NULL\n",
        [f"{_BY_SQL}::test_an_edit_by_sql_is_found_when_the_greeting_is_claimed"],
    ),
    Guard(
        "claim: left one type",
        "No attempt of a type starts after somebody has unsubscribed from it.",
        _MESSAGES,
        "WHEN coalesce(p.unsubscribed_at, {left_at}) IS NOT NULL\n",
        "WHEN p.unsubscribed_at IS NOT NULL\n",
        [f"{_LEAVING}::test_the_claim_waits_for_somebody_who_leaves_by_sql_and_sends_nothing"],
    ),
    Guard(
        "claim: date",
        "No attempt starts after the date was moved.",
        _MESSAGES,
        "               OR {occasion} IS DISTINCT FROM m.occasion_date\n",
        "               OR false AND {occasion} IS DISTINCT FROM m.occasion_date\n",
        [f"{_RACES}::test_a_date_that_moves_past_the_planner_is_caught_at_the_claim"],
    ),
    Guard(
        "claim: zone",
        "No attempt starts at the nine o'clock of a zone that the person has left.",
        _MESSAGES,
        "SELECT m.ambiguous_count = 0 AND p.timezone <> m.timezone\n",
        "SELECT false\n",
        [f"{_BY_SQL}::test_a_move_by_sql_found_at_the_claim_is_planned_anew_in_the_same_breath"],
    ),
    Guard(
        "claim: lock on people",
        "A claim waits for an edit that is about to commit, and then sees it.",
        _MESSAGES,
        "    ORDER BY u.id\n    FOR SHARE\n",
        "    ORDER BY u.id\n",
        [f"{_RACES}::test_the_claim_waits_for_a_delete_by_sql_and_sends_nothing"],
    ),
    Guard(
        "claim: doubtful rows one by one",
        "Two rows for one occasion in two batches: the second claim sees what the first did.",
        _LOGS,
        '            await self._connection.execute(_QUERIES["lock_doubtful"].text)\n',
        "",
        [f"{_OCCASIONS}::test_a_claim_of_one_day_waits_for_that_of_the_other"],
    ),
    Guard(
        "claim: same occasion",
        "Who was greeted for an occasion is not greeted for it again on a corrected date.",
        _MESSAGES,
        "WHEN twin.greeted_on IS NOT NULL THEN",
        "WHEN false THEN",
        [f"{_OCCASIONS}::test_both_days_due_at_once_after_an_outage_greet_once"],
    ),
    Guard(
        "claim: twin on its way",
        "While the other greeting for an occasion is being sent, this one waits.",
        _LOGS,
        'f"{doubt} AND twin.is_leaving IS NOT TRUE"',
        'f"{doubt}"',
        [f"{_OCCASIONS}::test_a_claim_of_one_day_waits_for_that_of_the_other"],
    ),
    # --- The lease
    Guard(
        "lease: deadline before a call",
        "No call starts that could outlast its lease.",
        _LEASES,
        "        if self._clock.monotonic() >= self._began + self._config.usable:\n",
        "        if False:\n",
        [f"{_SENDING_TESTS}::test_a_worker_that_slept_through_its_lease_starts_no_call"],
    ),
    Guard(
        "lease: looked at last",
        "The lease is looked at after the wait at the gate, which takes time.",
        _SENDING,
        "        ours = lease.permitted(messages)\n",
        "        ours = messages\n",
        [f"{_SENDING_TESTS}::test_a_worker_that_slept_through_its_lease_starts_no_call"],
    ),
    Guard(
        "lease: heartbeat",
        "A worker that lives keeps what it holds, however long its batch takes.",
        _SENDING,
        "            await lease.beat()\n",
        "",
        [f"{_SENDING_TESTS}::test_a_worker_that_lives_keeps_its_lease"],
    ),
    Guard(
        "heartbeat: epoch",
        "A heartbeat does not take back what another has taken over.",
        _MESSAGES,
        "AND m.status = 'SENDING' AND m.epoch = h.epoch",
        "AND m.status = 'SENDING'",
        [f"{_SENDING_TESTS}::test_a_heartbeat_does_not_take_back_what_another_holds"],
    ),
    Guard(
        "heartbeat: let go",
        "What a heartbeat finds in other hands is not called any more.",
        _LEASES,
        "        self.release(message.id for message in held if message.id not in kept)\n",
        "",
        [f"{_SENDING_TESTS}::test_a_heartbeat_does_not_take_back_what_another_has_taken_over"],
    ),
    # --- The record
    Guard(
        "record: epoch",
        "A worker that was thought dead cannot write over the one that came after it.",
        _MESSAGES,
        "      AND m.status {movable} AND m.epoch = o.epoch\n",
        "      AND m.status {movable}\n",
        [f"{_SENDING_TESTS}::test_a_worker_that_lost_its_lease_cannot_write_over_the_next_one"],
    ),
    Guard(
        "record: status",
        "An outcome that is written a second time leaves alone what came after the first.",
        _MESSAGES,
        "      AND m.status {movable} AND m.epoch = o.epoch\n",
        "      AND m.epoch = o.epoch\n",
        [f"{_SENDING_TESTS}::test_a_commit_whose_answer_was_lost_leaves_alone_what_came_after"],
    ),
    Guard(
        "record: note",
        "Each attempt that was not a plain first success is on record.",
        _MESSAGES,
        "    WHERE NOT (o.status = 'SENT' AND o.attempt = 1)\n",
        "    WHERE false\n",
        [f"{_SENDING_TESTS}::test_a_retry_that_succeeds_is_noted_and_clears_the_error"],
    ),
    Guard(
        "record: noted once",
        "A sender that lost the answer to its COMMIT comes again, and notes nothing twice.",
        _MESSAGES,
        "      AND NOT EXISTS (\n"
        "          SELECT FROM message_attempts a "
        "WHERE a.message_id = o.id AND a.epoch = o.epoch)\n",
        "",
        [f"{_SENDING_TESTS}::test_a_commit_whose_answer_was_lost_is_noted_once"],
    ),
    Guard(
        "ack after record",
        "A batch leaves the queue only when each of its rows is recorded.",
        _WORKER,
        '            span.note({"heyday.batch.claimed": await self._service.deliver(batch)})\n'
        "            await delivery.ack()\n",
        "            await delivery.ack()\n"
        '            span.note({"heyday.batch.claimed": await self._service.deliver(batch)})\n',
        [f"{_WORKER_TESTS}::test_a_batch_is_acknowledged_only_when_it_was_seen_through"],
    ),
    # --- What an outcome means
    Guard(
        "retry budget",
        "A greeting is not tried for ever.",
        _DELIVERY,
        "        if self.retry.is_spent(message.retry_count) and not outcome.is_probe:\n",
        "        if False:\n",
        [
            f"{_DELIVERY_TESTS}::test_surely_not_accepted_is_retried_until_the_retries_are_spent",
        ],
    ),
    Guard(
        "second ambiguous attempt",
        "Where keys are not known, an ambiguous attempt is repeated once, and no more.",
        _DELIVERY,
        "not (self._is_held(message) or message.ambiguous_count > 0)",
        "not self._is_held(message)",
        [f"{_DELIVERY_TESTS}::test_ambiguous_is_retried_once_where_keys_are_not_honoured"],
    ),
    Guard(
        "hold",
        "Where a message type says so, no ambiguous attempt is repeated.",
        _DELIVERY,
        "not (self._is_held(message) or message.ambiguous_count > 0)",
        "not (message.ambiguous_count > 0)",
        [f"{_DELIVERY_TESTS}::test_ambiguous_is_held_at_once_where_the_message_type_says_so"],
    ),
    Guard(
        "forgotten key",
        "What waited until the provider forgot its key is not simply sent again.",
        _SENDING,
        "[message for message in messages if policy.may_attempt(message, now)]",
        "messages",
        [
            f"{_SENDING_TESTS}::test_what_waited_until_the_provider_forgot_its_key_waits_for_a_person"
        ],
    ),
    Guard(
        "Retry-After",
        "A provider that asks for a longer wait gets it.",
        _RETRY,
        "        return max(spaced, min(retry_after, _LONGEST_RETRY_AFTER))\n",
        "        return spaced\n",
        [f"{_DELIVERY_TESTS}::test_retry_after_is_obeyed"],
    ),
    # --- Recovery
    Guard(
        "recovery: who is new",
        "Whoever SQL has added is planned also within what was planned before.",
        _SCHEDULING,
        "            planned = await self._planner.plan_people("
        "self._store, written.user_ids, now)\n",
        "",
        [f"{_WRITTEN}::test_a_new_person_is_planned_also_far_within_what_was_planned"],
    ),
    Guard(
        "recovery: what comes near",
        "Whoever nobody touched is planned when the day comes near.",
        _SCHEDULING,
        "        planned += await self._planner.plan_window("
        "self._store, Window(start_at, end_at), now)\n",
        "",
        [(f"{_WRITTEN}::test_a_day_that_comes_near_is_planned_for_those_whom_nobody_touched")],
    ),
    Guard(
        "recovery: what is under way",
        "An edit that was not committed at the last look is found by the next.",
        _PLANS,
        "WHERE age(xmin) <= (SELECT",
        "WHERE age(xmin) < (SELECT",
        [f"{_WRITTEN}::test_an_edit_is_found_that_was_begun_long_before_it_was_committed"],
    ),
    # --- The sweep
    Guard(
        "sweep: expired leases",
        "What a dead worker held goes on.",
        _SCHEDULING,
        '            "expired": await self._sending.resolve_expired(),\n',
        '            "expired": 0,\n',
        [f"{_SCHEDULING_TESTS}::test_an_expired_lease_is_an_unclear_attempt_that_is_repeated"],
    ),
    Guard(
        "sweep: lost batches",
        "What the queue has lost is queued again.",
        _SCHEDULING,
        '            "requeued": await self._enqueue_lost(now),\n',
        '            "requeued": 0,\n',
        [f"{_SCHEDULING_TESTS}::test_a_lost_queue_costs_delay_and_no_greeting"],
    ),
    Guard(
        "sweep: a wiped queue",
        "What a queue held that is gone is queued again at once.",
        _SCHEDULING,
        "            if not await self._transport.is_new():\n",
        "            if self:\n",
        [f"{_SCHEDULING_TESTS}::test_all_that_a_renewed_queue_held_is_queued_again_once"],
    ),
    Guard(
        "sweep: backlog",
        "A backlog is not queued again and again.",
        _SCHEDULING,
        "        return config.lost_after if waiting == 0 else "
        "max(config.lost_after, config.lost_in_backlog)\n",
        "        return config.lost_after\n",
        [f"{_SCHEDULING_TESTS}::test_a_backlog_is_not_queued_again_and_again"],
    ),
    Guard(
        "sweep: the lease holds",
        "Nothing is taken from a worker whose lease still holds.",
        _MESSAGES,
        "    WHERE stage = 'LEAVING' AND status = 'SENDING' AND lease_until < now()\n",
        "    WHERE stage = 'LEAVING' AND status = 'SENDING'\n",
        [f"{_SCHEDULING_TESTS}::test_a_lease_that_holds_is_left_alone"],
    ),
    Guard(
        "sweep: epoch",
        "What is taken over is shut to the worker that held it.",
        _MESSAGES,
        "SET epoch = m.epoch + 1, lease_until = now() + $1::interval,",
        "SET lease_until = now() + $1::interval,",
        [f"{_SENDING_TESTS}::test_a_worker_that_lost_its_lease_cannot_write"],
    ),
    Guard(
        "sweep: late rows",
        "What is on its way is not skipped under the worker's hands.",
        _MESSAGES,
        "WHERE (stage = 'PLANNED' OR stage = 'LEAVING') AND status {movable}\n",
        "WHERE (stage = 'PLANNED' OR stage = 'LEAVING')\n",
        [
            f"{_SCHEDULING_TESTS}::test_recovery_skips_what_is_too_late_in_every_status_before_sending"
        ],
    ),
    # --- The queue
    Guard(
        "publish: unsure",
        "A publish that is not confirmed is an error, not a success.",
        _TRANSPORT,
        "            raise TransportError("
        '"batches may not have reached the queue in PostgreSQL") from error\n',
        "            del error\n",
        [f"{_TRANSPORT_TESTS}::test_a_lost_database_is_an_unsure_handover"],
    ),
    Guard(
        "take: answer lost",
        "What was taken by an answer that was lost is free again at the next look.",
        _TRANSPORT,
        "            self._in_doubt.append(shows_again_at)\n",
        "",
        [
            (
                f"{_TRANSPORT_TESTS}::"
                "test_what_was_taken_by_an_answer_that_was_lost_is_taken_again_at_once"
            )
        ],
    ),
    Guard(
        "enqueue: answer lost",
        "What was queued by a COMMIT whose answer was lost is handed over.",
        _SCHEDULING,
        "            if rows:\n                await self._publish(rows)\n            raise\n",
        "            raise\n",
        [
            (
                f"{_SCHEDULING_TESTS}::"
                "test_what_was_queued_by_a_commit_whose_answer_was_lost_is_handed_over"
            )
        ],
    ),
    Guard(
        "claim: answer lost",
        "A claim whose answer was lost is sent, and does not wait for its lease.",
        _SENDING,
        "            if claim is None or not (claim := await self._what_stands(claim)).messages:\n"
        "                raise\n",
        "            raise\n",
        [f"{_SENDING_TESTS}::test_a_claim_whose_answer_was_lost_is_sent_at_once"],
    ),
    Guard(
        "claim: another's",
        "Rows that another claimed meanwhile are not taken for ours.",
        _MESSAGES,
        "WHERE m.status = 'SENDING' AND m.epoch = c.epoch AND m.lease_until = $4\n",
        "WHERE m.status = 'SENDING' AND m.epoch = c.epoch AND $4::timestamptz IS NOT NULL\n",
        [(f"{_SENDING_TESTS}::test_a_claim_of_the_same_rows_by_another_is_not_taken_for_ours")],
    ),
    Guard(
        "enqueue: status",
        "What was sent, or is being sent, is not queued again.",
        _MESSAGES,
        "    WHERE stage = 'PLANNED' AND status {movable}\n",
        "    WHERE true\n",
        [f"{_SCHEDULING_TESTS}::test_queueing_twice_hands_nothing_over_twice"],
    ),
    Guard(
        "enqueue: no wait",
        "Rows that somebody has locked keep no scheduler from the others.",
        _MESSAGES,
        "    LIMIT $4\n    FOR UPDATE SKIP LOCKED\n), moved AS (",
        "    LIMIT $4\n    FOR UPDATE\n), moved AS (",
        [f"{_SCHEDULING_TESTS}::test_a_row_that_is_locked_keeps_no_other_from_being_queued"],
    ),
    Guard(
        "wait for the instant",
        "A worker that has a batch waits until it is due.",
        _WORKER,
        "            await self._sleep_until(delivery.batch.due_at)\n",
        "",
        [f"{_WORKER_TESTS}::test_a_batch_is_delivered_at_its_instant_and_then_acknowledged"],
    ),
    Guard(
        "clocks that contradict",
        "Nothing is sent while nobody can say what time it is.",
        _WORKER,
        "            await self._wait_for_trust()\n",
        "",
        [f"{_WORKER_TESTS}::test_a_batch_is_held_while_the_clock_is_not_trusted"],
    ),
    # --- Edits
    Guard(
        "edit: what was perhaps sent",
        "A second request with the same key is the same message, whatever name and zone are now.",
        _PLANS,
        "      m.status <> 'CANCELLED' AND m.ambiguous_count = 0\n",
        "      m.status <> 'CANCELLED'\n",
        [f"{_EDITS}::test_an_unclear_attempt_is_repeated_as_it_was_whatever_name_and_zone_are_now"],
    ),
    Guard(
        "edit: what is being sent",
        "An edit leaves a call alone that is being made.",
        _PLANS,
        "  AND m.scheduled_send_time >= $3 AND m.status {movable}\n",
        "  AND m.scheduled_send_time >= $3\n",
        [f"{_EDITS}::test_an_edit_while_the_call_is_made_leaves_the_call_alone"],
    ),
    Guard(
        "edit: words",
        "What says something else since an edit is composed anew, also in another language.",
        _PLANS,
        "w.content, w.html, w.language)\n",
        "w.content, w.html, m.language)\n",
        [f"{_TEXTS}::test_an_edit_that_changes_the_language_alone_is_seen"],
    ),
    # --- Texts
    Guard(
        "texts: names in HTML",
        "A name is no HTML, whatever it holds.",
        _PLANS,
        "'<', '&lt;')",
        "'<', '<')",
        [f"{_TEXTS}::test_everybody_is_greeted_in_their_language"],
    ),
    Guard(
        "texts: who came since",
        "Whom no text was composed for waits for the next plan; the others' plan goes on.",
        _PLANS,
        "WHERE wording.number < 1000000 OR EXISTS (",
        "WHERE wording.number >= 0 OR EXISTS (",
        [f"{_TEXTS}::test_whom_no_text_was_composed_for_waits"],
    ),
    Guard(
        "texts: erasure",
        "Of who is erased, no text is left, in whatever form.",
        _PRIVACY,
        "message_html = NULL, language = 'und'",
        "language = 'und'",
        [f"{_ERASING}::test_after_erasure_no_column_of_any_table_holds_a_mark"],
    ),
    # --- Decisions of people
    Guard(
        "decision: status",
        "Only what is UNKNOWN waits for a person.",
        _RESOLUTIONS,
        "      AND m.status {movable}\n",
        "",
        [f"{_RESOLVING}::test_the_statement_itself_moves_nothing_that_is_not_unknown"],
    ),
    Guard(
        "decision: epoch",
        "Whoever made the last attempt cannot write over what a person decided.",
        _RESOLUTIONS,
        "        epoch = m.epoch + 1,\n",
        "",
        [f"{_RESOLVING}::test_who_made_the_last_attempt_can_no_longer_write"],
    ),
    Guard(
        "trying again: ambiguous",
        "What may have been taken is never tried again, however the check before was passed.",
        _RESOLUTIONS,
        " AND m.ambiguous_count = 0 AND m.ambiguous_since IS NULL\n",
        "\n",
        [f"{_TRYING_AGAIN}::test_what_may_have_been_taken_is_never_tried_again"],
    ),
    Guard(
        "trying again: told",
        "What its provider told of is not tried again.",
        _RESOLUTIONS,
        "AND e.message_id = m.id AND e.kind <> 'dropped')\n",
        "AND e.message_id = m.id AND e.kind = 'nothing')\n",
        [f"{_TRYING_AGAIN}::test_what_its_provider_told_of_is_not_tried_again"],
    ),
    Guard(
        "trying again: epoch",
        "Whoever made the last attempt cannot write over the next one.",
        _RESOLUTIONS,
        "SET status = 'RETRYING', epoch = m.epoch + 1, retry_count",
        "SET status = 'RETRYING', retry_count",
        [f"{_TRYING_AGAIN}::test_who_made_the_last_attempt_can_no_longer_write"],
    ),
    Guard(
        "cancellation: status",
        "What is being sent is not called cancelled, however the check before was passed.",
        _RESOLUTIONS,
        "BETWEEN $5 AND $6 AND m.status {movable}\n",
        "BETWEEN $5 AND $6\n",
        [f"{_CANCELLING}::test_the_statement_itself_cancels_nothing_that_is_being_sent"],
    ),
    Guard(
        "cancellation: for good",
        "No edit brings back what a person cancelled.",
        _PLANS,
        "AND m.error_message IN ({by_edit}) AND w.is_owed)\n",
        "AND w.is_owed)\n",
        [
            f"{_CANCELLING}::test_no_edit_brings_it_back",
            f"{_CANCELLING}::test_an_edit_that_waits_for_the_cancellation_does_not_undo_it",
        ],
    ),
    # --- The gate
    Guard(
        "breaker",
        "A provider that fails again and again is left alone, and costs no greeting its retries.",
        _GATE,
        "        room = self._breaker.room(now)\n",
        "        room = wanted\n",
        ["tests/unit/services/test_gate.py"],
    ),
    Guard(
        "breaker: a batch",
        "A batch that fails is as many failures as it has greetings.",
        _GATE,
        "is_failure=is_failure, attempts=len(outcomes))",
        "is_failure=is_failure)",
        [f"{_GATE_TESTS}::test_a_batch_that_fails_is_as_many_failures"],
    ),
    Guard(
        "breaker: one greeting probes",
        "Whether a provider is back is tried with one greeting, not with a batch.",
        "src/heyday/domain/breaker.py",
        "            return 0 if self._under_way else 1\n",
        "            return 0 if self._under_way else math.inf\n",
        [f"{_GATE_TESTS}::test_a_batch_that_fails_is_as_many_failures"],
    ),
    Guard(
        "pace: a batch",
        "The pace counts greetings: no batch goes out for one token.",
        _GATE,
        "self._allotment.spend(now, wanted)",
        "self._allotment.spend(now) and wanted",
        [f"{_GATE_TESTS}::test_the_pace_counts_greetings_and_a_batch_is_cut_to_its_share"],
    ),
    # --- Caps and limits of domains
    Guard(
        "cap: what dies with a worker",
        "What a worker has drawn of a day counts at once, so that no crash lets more out.",
        "src/heyday/db/day_counts.py",
        "self._provider, day, drawn + granted)",
        "self._provider, day, drawn)",
        [_DAY_COUNTS, _DAY_CAPS],
    ),
    Guard(
        "cap: one at a time",
        "Two workers that draw at once do not get the same greetings.",
        "src/heyday/db/sql/day_counts.sql",
        "\nFOR UPDATE\n",
        "\n",
        [f"{_DAY_COUNTS}::test_all_who_draw_at_once_get_the_cap_between_them"],
    ),
    Guard(
        "cap: yesterday's",
        "What was drawn of a day is not sent on the next.",
        _DAY_QUOTA,
        "        self._held = 0\n        self._is_mixed = self._under_way > 0\n",
        "        self._is_mixed = self._under_way > 0\n",
        [f"{_DAY_QUOTA_TESTS}::test_what_was_drawn_yesterday_is_nothing_today"],
    ),
    Guard(
        "cap: calls over midnight",
        "Calls of yesterday that came to nothing do not add to today.",
        _DAY_QUOTA,
        "        if not self._is_mixed:\n",
        "        if True:\n",
        [f"{_DAY_QUOTA_TESTS}::test_calls_of_yesterday_that_come_to_nothing_add_nothing_to_today"],
    ),
    Guard(
        "cap: a rest is given back once",
        "What is given back is not also spent, even where the answer is lost.",
        _DAY_QUOTA,
        "        count, self._held = self._held, 0\n",
        "        count = self._held\n",
        [_DAY_QUOTA_TESTS],
    ),
    Guard(
        "cap: waits for the opening",
        "What is over the cap waits for the next day, and is not claimed each minute.",
        _GATE,
        "            leave = longest = max(",
        "            leave = max(",
        [f"{_DAY_CAPS}::test_the_rest_leaves_the_next_day_and_no_retry_is_spent"],
    ),
    Guard(
        "cap: calls under way",
        "Nobody is put off for the day while calls that use it up may still come to nothing.",
        _DAY_QUOTA,
        "        return seconds if is_settled else min(seconds, _UNSETTLED)\n",
        "        return seconds\n",
        [
            f"{_DAY_QUOTA_TESTS}::test_it_is_not_for_the_day_while_calls_under_way_may_come_to_nothing"
        ],
    ),
    Guard(
        "domain: its limit",
        "A domain gets no more than its limit lets through.",
        "src/heyday/services/domain_limits.py",
        "            if left[quota]:\n",
        "            if True:\n",
        [_DOMAIN_TESTS],
    ),
    Guard(
        "domain: nobody else waits",
        "Who is over a domain's limit is put off at once, and holds up no other.",
        "src/heyday/services/domain_limits.py",
        "self._allotment.wait(now) > 0 or now >= deadline:",
        "now >= deadline:",
        [f"{_DOMAIN_TESTS}::test_one_domain_holds_up_no_other"],
    ),
    # --- Batches
    Guard(
        "batch: a fault of the call",
        "A call of which nobody can say how it ended was ambiguous for each greeting in it.",
        "src/heyday/senders/http_batch.py",
        "            return [answer] * len(messages)\n",
        '            return [Outcome(type(answer.kind)("refused"))] * len(messages)\n',
        [f"{_BATCHES}::test_a_fault_of_the_call_is_unclear_for_all_and_with_keys_nobody_gets_two"],
    ),
    Guard(
        "batch: length",
        "Results that are not one for each greeting are for none.",
        _BATCH_ANSWERS,
        "    return results if len(results) == count else",
        "    return results[:count] if len(results) >= count else",
        [f"{_BATCH_ANSWERS_TESTS}::test_an_answer_that_says_nothing_of_each_is_ambiguous_for_all"],
    ),
    Guard(
        "batch: status of an item",
        "Each greeting in a batch is judged by its own status.",
        _BATCH_ANSWERS,
        "    return Answer(status, item,",
        "    return Answer(answer.status, item,",
        [f"{_BATCH_ANSWERS_TESTS}::test_each_is_judged_by_its_own_item"],
    ),
    Guard(
        "batch: refused as a whole",
        "One address that a provider refuses a batch for costs nobody else the greeting.",
        _SENDING,
        "            if outcomes[0].is_of_batch and len(called) > 1:\n",
        "            if False:\n",
        [f"{_BATCHES}::test_one_that_is_refused_costs_the_others_nothing"],
    ),
    Guard(
        "batch: privacy",
        "What is stored with one greeting names nobody else of its batch.",
        _BATCH_ANSWERS,
        "    scrubber = Scrubber(messages)\n",
        "    scrubber = Scrubber(messages[:1])\n",
        [f"{_BATCH_ANSWERS_TESTS}::test_nobody_is_named_in_what_is_stored_of_another"],
    ),
    # --- Providers
    Guard(
        "provider: 5xx",
        "Of a 5xx nobody knows whether the letter was taken, whatever the provider calls it.",
        _JUDGING,
        "        if named and status < HTTPStatus.INTERNAL_SERVER_ERROR:\n",
        "        if named:\n",
        [f"{_CONTRACTS}::test_what_a_provider_says_of_its_own_is_understood"],
    ),
    Guard(
        "provider: account",
        "What is about our account fails no letter.",
        _JUDGING,
        "        if trouble is Trouble.ACCOUNT:\n            kind = OutcomeKind.NOT_ACCEPTED\n",
        "",
        [f"{_CONTRACTS}::test_what_is_about_our_account_fails_no_letter"],
    ),
    Guard(
        "provider: whose result",
        "Results that are not one for each letter say nothing of any.",
        _RESEND,
        "        if len(many.data) + len(refused) != count or not refused <= set(range(count)):\n",
        "        if len(many.data) + len(refused) < count:\n",
        [f"{_PROVIDER_BATCHES}::test_results_that_are_not_one_for_each_say_nothing_of_any"],
    ),
    Guard(
        "provider: keys of a batch",
        "Where a call carries many letters none has a key, so a repeat may be a second letter.",
        _PROVIDER,
        "        return self.dialect.key_lifetime if self.batch_size == 1 else None\n",
        "        return self.dialect.key_lifetime\n",
        [f"{_PROVIDER_BATCHES}::test_in_a_batch_no_letter_has_a_key"],
    ),
    Guard(
        "provider: refused as a whole",
        "A batch that is refused as a whole goes again in halves, whoever is in it.",
        _PROVIDER,
        "        if outcomes and outcomes[0].is_of_batch:\n",
        "        if False:\n",
        [f"{_PROVIDER_BATCHES}::test_whose_address_is_none_is_in_no_call"],
    ),
    Guard(
        "provider: scrub",
        "Nobody's subject, page or link is kept of what a provider answers.",
        _JUDGING,
        "        return Scrubber(self.messages, more).scrub(said) or None\n",
        "        return Scrubber(self.messages).scrub(said) or None if more else None\n",
        [f"{_CONTRACTS}::test_nothing_of_a_person_is_kept_of_an_answer"],
    ),
    Guard(
        "webhook: public addresses",
        "No webhook is called at an address that is not public, unless that is allowed.",
        _RESOLVING_HOSTS,
        " if is_public(str(info[4][0]))]\n",
        "]\n",
        [f"{_WEBHOOK_TESTS}::test_no_private_address_is_called_by_whatever_name"],
    ),
    # --- What providers tell
    Guard(
        "event: epoch",
        "A word about an earlier attempt settles nothing.",
        _EVENTS,
        "AND m.epoch = d.epoch AND m.status {movable}",
        "AND m.status {movable}",
        [f"{_EVENTS_TESTS}::test_a_word_about_an_earlier_epoch_moves_nothing"],
    ),
    Guard(
        "event: once",
        "An event that is known does nothing again.",
        _EVENTS,
        "FROM found f JOIN noted USING (event_id)",
        "FROM found f",
        [f"{_EVENTS_TESTS}::test_who_came_back_is_not_made_to_leave_by_the_same_event"],
    ),
    Guard(
        "event: a drop waits",
        "A drop says nothing while the word that the letter was taken may be on its way.",
        _EVENTS,
        "OR e.received_at < $1 AND NOT EXISTS (",
        "OR $1::timestamptz IS NOT NULL AND NOT EXISTS (",
        [f"{_EVENTS_TESTS}::test_a_drop_waits_for_an_hour_and_then_fails_it"],
    ),
    Guard(
        "event: a drop before a decision",
        "A drop says nothing of a letter that a person had sent again since.",
        _EVENTS,
        "AND a.finished_at >= e.received_at",
        "AND false",
        [f"{_EVENTS_TESTS}::test_a_drop_before_a_person_decided_says_nothing_of_what_came_after"],
    ),
    Guard(
        "event: erased",
        "Nothing is kept of who was erased.",
        _EVENTS,
        "AND u.erased_at IS NULL",
        "",
        [f"{_EVENTS_TESTS}::test_who_was_erased_is_told_of_no_more"],
    ),
    Guard(
        "event: token",
        "A token of Mailgun's opens for no second event.",
        _EVENTS,
        "WHERE t.request_id = excluded.request_id\n",
        "\n",
        [f"{_EVENTS_TESTS}::test_a_token_serves_one_request_alone_though_that_may_come_again"],
    ),
    Guard(
        "event: sweep",
        "What was told before a greeting became UNKNOWN settles it.",
        _SCHEDULING,
        "if self._events and (settled := await self._events.settle()):",
        "if self._events and (settled := 0):",
        [f"{_EVENTS_TESTS}::test_an_event_that_came_before_settles_it_by_the_next_sweep"],
    ),
    Guard(
        "webhook: certificate",
        "No certificate is taken from anywhere but Amazon SNS.",
        "src/heyday/webhooks/ses.py",
        "if not is_certificate(url, region):",
        "if not url:",
        ["tests/unit/webhooks/test_ses.py::test_no_certificate_is_fetched_from_anywhere_else"],
    ),
    Guard(
        "webhook: confirmation",
        "No subscription is confirmed anywhere else.",
        "src/heyday/webhooks/ses.py",
        "if not is_confirmation(url, region):",
        "if not url:",
        ["tests/unit/webhooks/test_ses.py::test_no_subscription_is_confirmed_anywhere_else"],
    ),
    Guard(
        "webhook: signed of late",
        "What was recorded cannot be played again later.",
        "src/heyday/webhooks/standard.py",
        "if abs(now - at) > TOLERANCE:",
        "if now == at > now:",
        ["tests/unit/webhooks/test_relay.py::test_what_was_signed_at_another_time_is_refused"],
    ),
    # --- Parts of a process
    Guard(
        "a part that ended",
        "A process whose minute scheduler is gone does not stay and look well.",
        _SERVE,
        "    if not stopping.is_set():\n",
        "    if stopping.is_set():\n",
        ["tests/unit/cli/test_serve.py"],
    ),
    Guard(
        "a consumer that ended",
        "A worker that takes nothing any more comes to its end.",
        _WORKER,
        "            consumer.add_done_callback(lambda _: self._stopping.set())\n",
        "",
        [f"{_WORKER_TESTS}::test_a_worker_whose_consumer_was_cancelled_by_a_library_ends"],
    ),
    Guard(
        "what a library cancelled",
        "A connection to RabbitMQ that ends under a publisher is a fault, no wish to stop.",
        "src/heyday/queue/connection.py",
        "        if task is None or task.cancelling():\n            raise\n",
        "        raise\n",
        ["tests/unit/queue/test_connection.py"],
    ),
    # --- Letters by SMTP
    Guard(
        "smtp: the final dot",
        "Once the final dot was handed over, a lost connection says nothing of the letter.",
        _SMTP,
        "return Outcome(OutcomeKind.AMBIGUOUS, error=str(fault), trouble=Trouble.PROVIDER)",
        "return _surely_not(fault)",
        [f"{_SMTP_TESTS}::test_a_break_is_ambiguous_from_the_final_dot_on_and_never_before"],
    ),
    Guard(
        "smtp: dots",
        "No line of a letter is taken for its end.",
        _SMTP,
        'content.replace(b"\\r\\n.", b"\\r\\n..")',
        "content",
        [f"{_SMTP_TESTS}::test_a_letter_is_taken_whole_and_told_by_its_name"],
    ),
    Guard(
        "smtp: an empty letter",
        "An end of data after a refusal must not be taken for a letter.",
        _SMTP,
        "    if is_waiting and replies[1].is_good:\n",
        "    if False:\n",
        [f"{_SMTP_TESTS}::test_an_end_of_data_that_could_be_a_letter_is_not_sent"],
    ),
    Guard(
        "smtp: words before TLS",
        "What anybody on the way may have said is not taken for the server's word under TLS.",
        "src/heyday/senders/smtp_connection.py",
        "        if self._buffer or self._replies or self._end:\n",
        "        if False:\n",
        [f"{_SMTP_TESTS}::test_words_before_tls_are_not_taken_for_words_under_it"],
    ),
    Guard(
        "smtp: a password in the clear",
        "No password leaves for another machine without TLS.",
        "src/heyday/senders/smtp_session.py",
        "            if not (entrance.tls or entrance.is_private):\n",
        "            if False:\n",
        [f"{_SMTP_TESTS}::test_no_password_leaves_without_tls_for_another_machine"],
    ),
    Guard(
        "letters: encoded words",
        "Words that somebody encoded in a name are not decoded by whoever reads the letter.",
        _HEADER_LINES,
        ' and "=?" not in line and ',
        " and ",
        [f"{_MIME_TESTS}::test_what_is_hostile_stays_within_its_field"],
    ),
    Guard(
        "letters: ends of lines",
        "Nothing in a subject begins another field.",
        _HEADER_LINES,
        '    return " ".join(_UNWANTED.sub(" ", text).split())\n',
        "    return text\n",
        [f"{_MIME_TESTS}::test_what_is_hostile_stays_within_its_field"],
    ),
    Guard(
        "safe mode: the one address",
        "In a trial no letter reaches the person.",
        _SAFE_MODE,
        "        return replace(message, email=self.address, ",
        "        return replace(message, ",
        [
            f"{_SAFE_MODE_TESTS}::test_every_letter_goes_to_the_one_address_and_says_that_it_is_a_test"
        ],
    ),
    Guard(
        "safe mode: domains",
        "No letter leaves for another domain than those that are allowed.",
        _SAFE_MODE,
        "        return known is not None and known.domain in self.domains\n",
        "        return known is not None\n",
        [f"{_SAFE_MODE_TESTS}::test_a_letter_to_another_domain_is_refused_before_any_call"],
    ),
    # --- People by the thousand
    Guard(
        "import: near, new",
        "Who comes in shortly before their day is planned at once.",
        _USERS_SQL,
        "       array_agg(id) FILTER (WHERE is_new AND is_near) AS new_near,\n",
        "       array_agg(id) FILTER (WHERE false) AS new_near,\n",
        [f"{_IMPORT}::test_what_an_import_plans_is_what_the_daily_run_would"],
    ),
    Guard(
        "import: no longer near",
        "Who had a day that is near, and by the file has another, is not greeted on the former.",
        "src/heyday/services/storing.py",
        "    if stored.changed_others:\n",
        "    if False:\n",
        [f"{_IMPORT}::test_a_day_that_is_not_near_any_more_takes_its_greeting_along"],
    ),
    Guard(
        "import: addresses on the disk",
        "An address twice in a long file is found, also when its first line went to the disk.",
        "src/heyday/services/seen_addresses.py",
        "        if first is None and self._file:\n",
        "        if False:\n",
        ["tests/unit/services/test_seen_addresses.py"],
    ),
    Guard(
        "import: a full disk",
        "A disk that fills up costs memory, and no address is forgotten.",
        "src/heyday/services/seen_addresses.py",
        "            self._most *= 2\n            return\n",
        "            self._most *= 2\n",
        ["tests/unit/services/test_seen_addresses.py"],
    ),
    Guard(
        "import: by their ids",
        "To plan some people, nobody else is looked at.",
        _PLANS,
        "JOIN (SELECT * FROM users WHERE id = ANY ($15) OFFSET 0) AS u\n",
        "JOIN (SELECT * FROM users WHERE id = ANY ($15)) AS u\n",
        ["tests/integration/db/test_query_plans.py"],
    ),
    # --- Texts
    Guard(
        "texts: what is not listed",
        "A text can do nothing but what is listed.",
        _GRAMMAR,
        "                case _:\n                    self._refuse_kind(node)\n\n    def _branches",
        "                case _:\n                    pass\n\n    def _branches",
        [f"{_TEMPLATES}::test_what_is_hostile_is_refused_at_once"],
    ),
    Guard(
        "texts: characters in quotes",
        "No text brings a line into a subject, or a mark of ours, by an escape.",
        _GRAMMAR,
        '"a line break" if "\\n" in node.value else forbidden_in(node.value)',
        "None",
        [f"{_TEMPLATES}::test_what_is_hostile_is_refused_at_once"],
    ),
    Guard(
        "texts: years",
        "Nobody gets a letter with a hole where the years would be.",
        _GRAMMAR,
        "        if node.name in NUMBERS and not is_known:\n",
        "        if False:\n",
        [f"{_TEMPLATES}::test_years_may_not_be_shown_where_it_does_not"],
    ),
    Guard(
        "texts: length before parsing",
        "What would take long to take apart is refused before.",
        "src/heyday/texts/template.py",
        "        _refuse_length(environment.lex(source))\n",
        "",
        [f"{_TEMPLATES}::test_what_is_hostile_is_refused_at_once"],
    ),
    Guard(
        "texts: names asked about",
        "A text that asks about a name is not rendered once for everybody.",
        _GRAMMAR,
        "                self._asks_names |= node.name in NAMES\n                if self._place(",
        "                if self._place(",
        [f"{_TEXT_TESTS}::test_what_a_text_depends_on_is_known"],
    ),
    Guard(
        "texts: percent signs",
        "What a text says is no place for format().",
        _TEXT,
        '{"%": "%%", ',
        "{",
        [f"{_TEXT_TESTS}::test_filling_in_names_comes_to_the_same_as_rendering_for_each"],
    ),
    Guard(
        "texts: a link by a name",
        "No name becomes a link to unsubscribe.",
        _TEXT,
        'name.replace(UNSUBSCRIBE_PLACE, "")',
        "name",
        [f"{_BOOK_TESTS}::test_a_name_cannot_bring_a_link"],
    ),
    Guard(
        "texts: places in tags",
        "No name stands in a tag outside of quotes, where escaping is not enough.",
        "src/heyday/texts/markup.py",
        """            if inside not in {"", '"', "'"}:\n""",
        "            if False:\n",
        ["tests/unit/texts/test_markup.py"],
    ),
    # --- A spread of the send time
    Guard(
        "spread: less than the spread",
        "No greeting leaves after the spread is over.",
        _PLANS,
        " * {spread} >> 32)",
        " * ({spread} + 1) >> 32)",
        ["tests/integration/db/test_plan_spread.py::test_they_agree_for_the_keys_of_rows"],
    ),
    Guard(
        "spread: not before",
        "No greeting leaves before the send time.",
        _PLANS,
        "SELECT d.send_at + interval '1 second' * {offset} AS send_at",
        "SELECT d.send_at - interval '1 second' * {offset} AS send_at",
        [f"{_SPREAD}::test_everybody_has_the_second_of_their_key"],
    ),
    Guard(
        "spread: the window",
        "A greeting whose second is in another window is left to it.",
        _PLANS,
        "AS own ON own.send_at >= {start_at} AND own.send_at < {end_at}",
        "AS own ON own.send_at >= {start_at}",
        [f"{_SPREAD}::test_windows_share_out_the_people_of_a_day"],
    ),
    Guard(
        "spread: the date and the wall",
        "No greeting leaves on the next date, or at a time of day before the send time.",
        "src/heyday/domain/timezone.py",
        "return min(spread, _room_on_the_wall(begun, last_at))",
        "return spread",
        ["tests/unit/domain/test_spreading.py"],
    ),
    Guard(
        "spread: clocks that go back",
        "Where a time of day comes again that was before the send time, the spread is over.",
        "src/heyday/domain/timezone.py",
        "left <= jump_at - first_at or shown < begun or",
        "left <= jump_at - first_at or",
        ["tests/unit/domain/test_spreading.py"],
    ),
    Guard(
        "spread: to and fro",
        "Two processes that are set differently do not move rows each few minutes.",
        "src/heyday/services/planning.py",
        "(is_spread_anew and wanted != place)",
        "wanted != place",
        [f"{_SPREAD}::test_two_processes_that_are_set_differently_do_not_move_rows_to_and_fro"],
    ),
    Guard(
        "spread: moved from where it was found",
        "What another process has moved meanwhile stays.",
        _PLANS,
        "AND m.spread IS NOT DISTINCT FROM d.planned_spread AND {lies_there}",
        "AND {lies_there}",
        [f"{_SPREAD}::test_two_that_move_at_once_move_each_row_once"],
    ),
    Guard(
        "spread: past midnight",
        "A send time and a spread that run past midnight are refused at start.",
        "src/heyday/settings/contradictions.py",
        "if policies.spread > left:",
        "if False:",
        ["tests/unit/test_settings.py::test_no_spread_runs_past_midnight"],
    ),
    Guard(
        "lanes: calls in flight",
        "Small batches side by side make no more calls than full ones.",
        "src/heyday/workers/lanes.py",
        "min(max(greetings, self._least), self._full)",
        "self._least",
        ["tests/unit/workers/test_lanes.py"],
    ),
)
