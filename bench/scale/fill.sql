-- A province of many cases, for bench/scale: 36 districts, sixty weeks, as they were measured before (docs/scale.md).
-- Run by bench/scale/fill.py as superuser without triggers and checks of keys, after the demo and the other districts
-- are there. <<cases>>, <<seed>> and <<now>> are put in by it. Everything follows from the number of a case and the
-- seed, so that two runs of one moment are the same rows. What is told here of a case (its lines, clocks, items and
-- messages) is told of the same deeds: figures counted from the lines and pages agree.

-- ── dice ──
CREATE SCHEMA seed;
CREATE FUNCTION seed.part(n bigint, what int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (hashint8extended(n, <<seed>> * 1000 + what) & 1073741823) / 1073741824.0
$$;
CREATE FUNCTION seed.id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(kind), 8, '0') || '00007000' || lpad(to_hex(n), 16, '8000000000000000'))::uuid
$$;
CREATE FUNCTION seed.words(n bigint, many int) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT decode(repeat(md5(n::text), many), 'hex')
$$;
CREATE FUNCTION seed.code(n bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    twelve text := lpad(((n * 982451653 + 37) % 1000000000000)::text, 12, '0');
    interim int := 0;
BEGIN  -- the check digit, as flows.codes has it
    FOR i IN 1..12 LOOP
        interim := substr('0317598642709215486342068713591750983426612304597836742095815869720134894536201794386172052581436790',
            interim * 10 + substr(twelve, i, 1)::int + 1, 1)::int;
    END LOOP;
    RETURN twelve || interim;
END $$;

-- ── districts: the largest has 14.2 % of all, the median 1.8 ──
CREATE UNLOGGED TABLE seed.districts AS
SELECT no, id, coalesce(sum(weight) OVER (ORDER BY no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) / sum(weight) OVER () AS low,
    sum(weight) OVER (ORDER BY no) / sum(weight) OVER () AS high,
    (SELECT array_agg(p.id ORDER BY p.id) FROM places p WHERE p.district_id = ranked.id AND level = 'tehsil') AS tehsils,
    seed.id(13, no) AS channel
FROM (SELECT id, no, CASE no WHEN 1 THEN 0.142 ELSE 0.0725 * power(0.92, no - 2) END AS weight
      FROM (SELECT id, row_number() OVER (ORDER BY id <> 'pishin', md5(id || '<<seed>>')) AS no FROM districts) numbered) ranked;
INSERT INTO channels (id, kind, provider, address, district_id)
SELECT channel, 'sms', 'twilio', '+9281900' || lpad(no::text, 4, '0'), id FROM seed.districts;
INSERT INTO offices (id, district_id, department, names, post, above_id, law, rung)
SELECT seed.id(15, d.no * 100 + row_number() OVER (PARTITION BY d.no ORDER BY o.department)), d.id, o.department, o.names, o.post, o.above_id, o.law, o.rung
FROM seed.districts d JOIN offices o ON o.district_id = 'pishin' WHERE d.id <> 'pishin';
INSERT INTO responsibilities (id, district_id, category, office_id)
SELECT seed.id(16, d.no * 100 + row_number() OVER (PARTITION BY d.no ORDER BY r.category)), d.id, r.category, mine.id
FROM seed.districts d JOIN responsibilities r ON r.district_id = 'pishin' AND r.place_id IS NULL
JOIN offices o ON o.id = r.office_id JOIN offices mine ON mine.district_id = d.id AND mine.department = o.department
WHERE d.id <> 'pishin';
INSERT INTO staff (id, login, name, role, district_id, password_hash, demo)
SELECT seed.id(20, d.no * 10 + k), d.id || '-handler-' || k, 'Handler ' || k || ' of ' || d.id, 'handler', d.id, s.password_hash, true
FROM seed.districts d CROSS JOIN generate_series(1, 3) k JOIN staff s ON s.login = 'demo-handler'
UNION ALL
SELECT seed.id(20, d.no * 10), d.id || '-supervisor', 'Supervisor of ' || d.id, 'supervisor', d.id, s.password_hash, true
FROM seed.districts d JOIN staff s ON s.login = 'demo-handler'
UNION ALL
SELECT seed.id(20, 9), 'province-supervisor', 'Supervisor of the province', 'supervisor', NULL, password_hash, true
FROM staff WHERE login = 'demo-handler';

-- ── people: four for every five cases, nearly half of them subscribed ──
CREATE UNLOGGED TABLE seed.contacts AS
WITH thrown AS MATERIALIZED (SELECT n, seed.part(n, 1) AS p FROM generate_series(1, (<<cases>> * 4 + 4) / 5) n)
SELECT n, seed.id(12, n) AS id, d.no, d.id AS district, d.channel FROM thrown JOIN seed.districts d ON p >= d.low AND p < d.high;
INSERT INTO contacts (id, channel_id, address_tag, address_box, lang, stopped_at, weekly_since, last_inbound_at, created_at)
SELECT id, channel, decode(md5('tag' || n), 'hex'), seed.words(n, 5), (ARRAY['ur', 'ur', 'ps', 'bal', 'brh'])[1 + floor(seed.part(n, 2) * 5)::int],
    CASE WHEN seed.part(n, 3) < 0.01 THEN now() - interval '30 days' END,
    CASE WHEN seed.part(n, 4) < 0.47 AND seed.part(n, 3) >= 0.01 THEN came END, came, came
FROM (SELECT *, '<<now>>'::timestamptz - interval '420 days' * (1 - n / (<<cases>> * 0.8 + 1)) AS came FROM seed.contacts) c;
INSERT INTO sessions (contact_id, version, given) SELECT id, 5, true FROM seed.contacts;

-- ── cases: what became of each, once for everything below ──
CREATE UNLOGGED TABLE seed.cases AS
WITH begun AS (
    SELECT g.n, c.id AS contact_id, c.no, c.district, c.channel AS channel_id,
        '<<now>>'::timestamptz - interval '420 days' * (1 - g.n / (<<cases>> + 1.0)) AS opened_at,
        420 * (1 - g.n / (<<cases>> + 1.0)) AS age
    FROM generate_series(1, <<cases>>) AS g(n) JOIN seed.contacts c ON c.n = (g.n * 4 + 4) / 5
), fates AS (
    SELECT *, seed.part(n, 5) < CASE WHEN age < 14 THEN 0.85 WHEN age < 60 THEN 0.25 ELSE 0.0212 END AS is_open, seed.part(n, 6) AS p
    FROM begun
), stood AS (
    SELECT *, CASE WHEN is_open THEN CASE WHEN p < 0.30 THEN 'received' WHEN p < 0.55 THEN 'acknowledged' WHEN p < 0.79 THEN 'in_progress'
            WHEN p < 0.86 THEN 'sent_on' WHEN p < 0.90 THEN 'inspected' WHEN p < 0.93 THEN 'partly' WHEN p < 0.99 THEN 'disputed' ELSE 'appealed' END
        ELSE CASE WHEN p < 0.15 THEN 'resolved' WHEN p < 0.21 THEN 'cannot' WHEN p < 0.51 THEN 'confirmed' WHEN p < 0.54 THEN 'withdrawn' ELSE 'closed' END
        END AS status,
        NOT is_open AND p >= 0.98 AS husk,  -- went behind the door: what is counted of it stays
        ('{<<categories>>}'::text[])[1 + floor(seed.part(n, 7) * <<of>>)::int] AS category,
        least(0.1 + 3.5 * power(seed.part(n, 8), 2), age * 0.4) AS read_in, least(1 + 20 * seed.part(n, 9), age * 0.8) AS done_in,
        seed.part(n, 10) < 0.8 AS may_message
    FROM fates
)
SELECT stood.n, seed.id(11, stood.n) AS id, stood.contact_id, stood.no, stood.district, stood.channel_id, stood.opened_at, stood.age, stood.is_open, stood.status, stood.husk, stood.category,
    stood.may_message, o.id AS office_id, stood.opened_at + interval '3 days' AS due_72, stood.opened_at + interval '14 days' AS due_14,
    CASE WHEN status <> 'received' THEN opened_at + interval '1 day' * read_in END AS read_at,
    CASE WHEN NOT is_open OR status IN ('disputed', 'appealed') THEN opened_at + interval '1 day' * (read_in + (done_in - read_in) * CASE WHEN done_in > read_in THEN 1 ELSE 0.1 END) END AS done_at,
    CASE WHEN status IN ('confirmed', 'disputed', 'appealed') OR (status = 'closed' AND NOT husk AND p < 0.80)
        THEN opened_at + interval '1 day' * (greatest(done_in, read_in * 1.1) + least(0.5 + 5 * seed.part(n, 11), age * 0.1)) END AS said_at,
    CASE WHEN status IN ('cannot', 'appealed') THEN 'cannot_budget' ELSE (ARRAY['repaired', 'supplied', 'staff_sent'])[1 + floor(seed.part(n, 12) * 3)::int] END AS outcome,
    d.tehsils[1 + floor(seed.part(n, 13) * cardinality(d.tehsils))::int] AS place_id,
    seed.id(20, stood.no * 10 + 1 + floor(seed.part(n, 14) * 3)::int) AS handler, seed.part(n, 15) AS q
FROM stood JOIN seed.districts d ON d.no = stood.no
LEFT JOIN responsibilities r ON r.district_id = stood.district AND r.category = stood.category AND r.place_id IS NULL
LEFT JOIN offices o ON o.id = r.office_id;
INSERT INTO cases (id, code, district_id, contact_id, channel, lang, category, place_id, draft, status, may_message, office_id, assigned_to,
    opened_at, resolved_at, outcome, decision, next_due, version, told_at, ask_count)
SELECT id, CASE WHEN NOT husk THEN seed.code(n) END, district, CASE WHEN NOT husk THEN contact_id END, 'sms', (ARRAY['ur', 'ps', 'bal', 'brh'])[1 + floor(seed.part(n, 16) * 4)::int], category, place_id, is_open AND q < 0.06, status, may_message, office_id,
    CASE WHEN read_at IS NOT NULL AND seed.part(n, 17) < 0.6 THEN handler END, opened_at, CASE WHEN NOT is_open AND status <> 'withdrawn' THEN done_at END,
    CASE WHEN done_at IS NOT NULL AND status <> 'withdrawn' AND NOT husk THEN outcome END,
    CASE WHEN status = 'withdrawn' THEN 'withdrawn' WHEN outcome LIKE 'cannot%' AND done_at IS NOT NULL THEN 'refused' WHEN done_at IS NOT NULL AND NOT husk THEN 'upheld' END,
    CASE WHEN is_open THEN CASE WHEN read_at IS NULL THEN due_72 ELSE due_14 END END, 4,
    CASE WHEN status IN ('resolved', 'cannot') THEN done_at END,
    CASE WHEN status IN ('resolved', 'cannot') THEN CASE WHEN done_at > '<<now>>'::timestamptz - interval '2 days' THEN 1 ELSE 3 END ELSE 0 END
FROM seed.cases ORDER BY n;
INSERT INTO clocks (case_id, kind, due_at, met_at, overdue_at, topped_at)
SELECT id, 'acknowledge', due_72, coalesce(read_at, CASE WHEN NOT is_open THEN due_72 END),
    CASE WHEN due_72 < '<<now>>' AND coalesce(read_at > due_72, is_open) THEN due_72 END, NULL FROM seed.cases
UNION ALL
SELECT id, 'resolve', due_14, met, CASE WHEN due_14 < '<<now>>' AND coalesce(met > due_14, true) THEN due_14 END,
    CASE WHEN due_14 + interval '7 days' < '<<now>>' AND coalesce(met > due_14 + interval '7 days', true) THEN due_14 + interval '7 days' END
FROM (SELECT *, CASE WHEN status = 'withdrawn' OR husk THEN due_14 WHEN NOT is_open THEN done_at END AS met FROM seed.cases) c;

-- ── what happened: its lines, in the order in which they were written ──
INSERT INTO case_history (case_id, at, actor, verb, was, became, data)
SELECT id, at, actor, verb, was, became, data FROM (
    SELECT n, 1 AS step, id, opened_at AS at, 'citizen' AS actor, 'open' AS verb, NULL AS was, 'received' AS became, '{}'::jsonb AS data FROM seed.cases
    UNION ALL SELECT n, 2, id, read_at, handler::text, 'acknowledge', 'received', 'acknowledged', '{}' FROM seed.cases WHERE read_at IS NOT NULL
    UNION ALL SELECT n, 3, id, read_at + interval '1 hour', handler::text, CASE status WHEN 'sent_on' THEN 'send_on' WHEN 'inspected' THEN 'inspect' WHEN 'partly' THEN 'part' ELSE 'start' END, 'acknowledged',
        CASE WHEN status IN ('sent_on', 'inspected', 'partly') THEN status ELSE 'in_progress' END, '{}'
        FROM seed.cases WHERE status IN ('in_progress', 'sent_on', 'inspected', 'partly') OR (done_at > read_at + interval '1 hour' AND q < 0.6)
    UNION ALL SELECT n, 4, id, due_72, 'clock', 'escalate', 'received', 'received', '{"clock": "acknowledge", "office": null}'
        FROM seed.cases WHERE due_72 < '<<now>>' AND coalesce(read_at > due_72, is_open)
    UNION ALL SELECT n, 5, id, due_14, 'clock', 'escalate', 'in_progress', 'in_progress', '{"clock": "resolve", "office": null}'
        FROM seed.cases WHERE due_14 < '<<now>>' AND NOT husk AND status <> 'withdrawn' AND coalesce(done_at > due_14, true)
    UNION ALL SELECT n, 6, id, done_at, handler::text, CASE status WHEN 'withdrawn' THEN 'withdraw' ELSE 'resolve' END, 'in_progress',
        CASE WHEN status = 'withdrawn' THEN 'withdrawn' WHEN outcome LIKE 'cannot%' THEN 'cannot' ELSE 'resolved' END, jsonb_build_object('outcome', outcome)
        FROM seed.cases WHERE done_at IS NOT NULL AND NOT husk
    UNION ALL SELECT n, 7, id, said_at, 'citizen', CASE status WHEN 'disputed' THEN 'dispute' WHEN 'appealed' THEN 'appeal' ELSE 'confirm' END,
        CASE WHEN outcome LIKE 'cannot%' THEN 'cannot' ELSE 'resolved' END, CASE WHEN is_open THEN status ELSE 'confirmed' END, '{}' FROM seed.cases WHERE said_at IS NOT NULL
    UNION ALL SELECT n, 8, id, least(coalesce(said_at, done_at) + interval '20 days', '<<now>>'::timestamptz - interval '1 hour'), handler::text, 'close', 'confirmed', 'closed', '{}' FROM seed.cases WHERE status = 'closed' AND NOT husk
) lines ORDER BY at, n, step;

-- ── what was said: items, the messages that carried ours, and photographs ──
INSERT INTO media (id, contact_id, case_id, content_type, content, state, bytes, created_at)
SELECT seed.id(18, n), contact_id, id, 'image/jpeg', seed.words(n, 60), 'kept', 960, opened_at FROM seed.cases WHERE seed.part(n, 18) < 0.05 AND NOT husk ORDER BY n;
INSERT INTO case_items (id, case_id, at, author, kind, body, media_id, lang, verb, outbox_id)
SELECT seed.id(17, n * 8 + step), id, at, author, kind, body, media_id, 'ur', verb, outbox_id FROM (
    SELECT n, 1 AS step, id, opened_at AS at, 'citizen' AS author, 'story' AS kind, seed.words(n, 16) AS body, NULL::uuid AS media_id, NULL AS verb, NULL::uuid AS outbox_id FROM seed.cases WHERE NOT husk
    UNION ALL SELECT n, 2, id, opened_at + interval '2 minutes', 'citizen', 'more', seed.words(n, 10), NULL, NULL, NULL FROM seed.cases WHERE q < 0.4 AND NOT husk
    UNION ALL SELECT n, 3, id, opened_at + interval '3 minutes', 'citizen', 'media', NULL, seed.id(18, n), NULL, NULL FROM seed.cases WHERE seed.part(n, 18) < 0.05 AND NOT husk
    UNION ALL SELECT n, 4, id, read_at, 'staff', 'said', seed.words(n, 8), NULL, 'acknowledge', CASE WHEN may_message THEN seed.id(14, n * 4 + 1) END FROM seed.cases WHERE read_at IS NOT NULL AND NOT husk
    UNION ALL SELECT n, 5, id, done_at, 'staff', 'said', seed.words(n, 10), NULL, 'resolve', CASE WHEN may_message THEN seed.id(14, n * 4 + 2) END FROM seed.cases WHERE done_at IS NOT NULL AND status <> 'withdrawn' AND NOT husk
) items ORDER BY n, step;
INSERT INTO outbox (id, contact_id, lane, purpose, case_id, lang, message, state, attempts, due_at, expires_at, claimed_at, provider_id, error, created_at, sent_at, heard_at)
SELECT seed.id(14, n * 4 + step), contact_id, 'replies', 'case', id, 'ur', seed.words(n + step, 12), state, 1,
    CASE state WHEN 'parked' THEN '<<now>>'::timestamptz + interval '3 days' ELSE at END,
    CASE state WHEN 'parked' THEN '<<now>>'::timestamptz + interval '6 days' ELSE at + interval '7 days' END, at,
    CASE WHEN state <> 'parked' THEN 'SM' || md5((n * 4 + step)::text) END, CASE state WHEN 'parked' THEN 'not_reached:template' WHEN 'failed' THEN 'unreachable' END,
    at, CASE WHEN state <> 'parked' THEN at + interval '2 seconds' END, opened_at
FROM (SELECT *, CASE WHEN p < 0.012 THEN 'parked' WHEN p < 0.03 THEN 'failed' WHEN p < 0.06 THEN 'sent' WHEN p < 0.6 THEN 'delivered' ELSE 'read' END AS state
      FROM (SELECT n, 1 AS step, contact_id, id, opened_at, read_at AS at, seed.part(n, 19) AS p FROM seed.cases WHERE read_at IS NOT NULL AND may_message AND NOT husk
            UNION ALL SELECT n, 2, contact_id, id, opened_at, done_at, seed.part(n, 20) FROM seed.cases WHERE done_at IS NOT NULL AND status <> 'withdrawn' AND may_message AND NOT husk) told) states
ORDER BY states.at, n;

-- ── what came in, and what answered it ──
INSERT INTO inbox (id, provider, provider_id, contact_id, received_at, state, answered_by)
SELECT seed.id(19, n * 2 + k), 'twilio', 'SM' || md5('in' || (n * 2 + k)), contact_id, opened_at + interval '1 minute' * k, 'done', CASE k WHEN 1 THEN seed.id(14, n * 4) END
FROM seed.cases CROSS JOIN generate_series(0, 1) k ORDER BY n, k;
INSERT INTO outbox (id, contact_id, lane, purpose, inbox_id, lang, message, state, attempts, due_at, expires_at, claimed_at, provider_id, created_at, sent_at)
SELECT seed.id(14, n * 4), contact_id, 'replies', 'reply', seed.id(19, n * 2 + 1), 'ur', seed.words(n, 9), 'delivered', 1, at, at + interval '7 days', at, 'SM' || md5('re' || n), at, at + interval '1 second'
FROM (SELECT *, opened_at + interval '61 seconds' AS at FROM seed.cases) c WHERE q < 0.5 ORDER BY n;
INSERT INTO copies (id, channel_id, kind, state, due_at, ended_at)
SELECT i.id, c.channel_id, 'message', 'gone', i.received_at, i.received_at + interval '2 days' FROM inbox i JOIN contacts c ON c.id = i.contact_id WHERE i.received_at > '<<now>>'::timestamptz - interval '8 days'
UNION ALL
SELECT o.id, c.channel_id, 'message', 'gone', o.created_at, o.created_at + interval '2 days' FROM outbox o JOIN contacts c ON c.id = o.contact_id WHERE o.created_at > '<<now>>'::timestamptz - interval '8 days' AND o.provider_id IS NOT NULL;

-- ── offices: referrals and promises ──
INSERT INTO referrals (id, case_id, office_id, due_on, by_staff, at, done_at, kind, reference, told_at, seen_at, answered_at, silent_at)
SELECT seed.id(21, n), id, office_id, at::date + 7, handler, at, CASE WHEN NOT is_open THEN greatest(done_at, at) END, 'refer', 'R' || n, at,
    CASE WHEN q < 0.8 THEN at + interval '1 day' END, CASE WHEN q < 0.7 THEN at + interval '3 days' END,
    CASE WHEN q >= 0.7 AND is_open AND at < '<<now>>'::timestamptz - interval '7 days' THEN at + interval '8 days' END
FROM (SELECT *, read_at + interval '2 hours' AS at FROM seed.cases) c
WHERE read_at IS NOT NULL AND read_at < '<<now>>'::timestamptz - interval '3 days' AND office_id IS NOT NULL AND NOT husk AND seed.part(n, 21) < 0.1 ORDER BY n;
INSERT INTO commitments (id, district_id, case_id, category, action, place_id, office_id, due_on, state, state_at, made_by, made_at, reason)
SELECT seed.id(22, n), district, id, category, CASE WHEN outcome LIKE 'cannot%' THEN 'staff_sent' ELSE outcome END, place_id, office_id, (read_at + interval '10 days')::date, state,
    CASE state WHEN 'open' THEN NULL WHEN 'confirmed' THEN said_at ELSE done_at END, handler, read_at, CASE state WHEN 'dropped' THEN 'cannot_budget' END
FROM (SELECT *, CASE WHEN is_open OR status = 'withdrawn' THEN 'open' WHEN outcome LIKE 'cannot%' THEN 'dropped' WHEN status = 'confirmed' OR said_at IS NOT NULL THEN 'confirmed' ELSE 'kept' END AS state FROM seed.cases) c
WHERE read_at IS NOT NULL AND office_id IS NOT NULL AND NOT husk AND seed.part(n, 22) < 0.05 ORDER BY n;

-- ── the triage, alarms, scorecards ──
INSERT INTO sorting (id, code, district_id, contact_id, channel, lang, words, received_at, due_acknowledge, due_resolve)
SELECT seed.id(23, n), '9' || substr(seed.code(n + 7), 2), district, contact_id, 'sms', 'ur', seed.words(n, 8), at, at + interval '3 days', at + interval '14 days'
FROM (SELECT *, '<<now>>'::timestamptz - interval '2 days' * seed.part(n, 23) AS at FROM seed.cases WHERE n % 1000 = 1) c;
INSERT INTO dismissals (card, district_id, staff_id, at)
SELECT seed.id(24, n), district, (SELECT id FROM staff WHERE login = 'demo-triage'), opened_at FROM seed.cases WHERE n % 50 = 2 ORDER BY n;
INSERT INTO alarms (at, kind, district_id, data, cleared_at)
SELECT opened_at, 'undelivered', district, '{}', CASE WHEN age > 1 THEN opened_at + interval '1 hour' END FROM seed.cases WHERE n % 100 = 3 ORDER BY n;
INSERT INTO rounds (id, district_id, title, indicators, opened_at)
SELECT seed.id(25, no), id, 'round.health_centres', ARRAY['indicator.open_on_time', 'indicator.staff_present', 'indicator.treated_with_respect'], '<<now>>'::timestamptz - interval '300 days' FROM seed.districts WHERE id <> 'pishin';
INSERT INTO facilities (id, district_id, short_code, kind, names, place_id, demo)
SELECT seed.id(26, no * 10 + k), id, (200 + k)::text, 'health', jsonb_build_object('en', 'Centre ' || k, 'ur', 'مرکز ' || k), tehsils[1], true FROM seed.districts CROSS JOIN generate_series(1, 4) k;
INSERT INTO ratings (round_id, facility_id, contact_id, indicator, score, at)
SELECT r.id, seed.id(26, c.no * 10 + 1 + (c.n % 4)::int), c.id, i, 1 + floor(seed.part(c.n, 24) * 5)::int, '<<now>>'::timestamptz - interval '300 days' * seed.part(c.n, 25)
FROM seed.contacts c JOIN rounds r ON r.district_id = c.district CROSS JOIN unnest(r.indicators) i WHERE c.n % 10 = 4;

-- ── the protected room: boxes that nobody opens; the list and the clocks read their outsides ──
INSERT INTO sealed.cases (id, district_id, opened_week, due_acknowledge, due_resolve, status, code_hash, recipients, overdue, closed_on, recipient_keys, recipients_mac, day_box)
SELECT seed.id(27, n), district, to_char(opened_at AT TIME ZONE 'Asia/Karachi', 'IYYY-"W"IW'), due_72::date, due_14::date, CASE WHEN age > 60 THEN 'closed' WHEN q < 0.4 THEN 'received' WHEN q < 0.7 THEN 'seen' ELSE 'in_progress' END,
    decode(md5('h' || n) || md5('i' || n), 'hex'), (SELECT array_agg(id ORDER BY id) FROM staff WHERE role = 'protected'), age <= 60 AND (due_14 < '<<now>>' OR (q < 0.4 AND due_72 < '<<now>>')), CASE WHEN age > 60 THEN due_14::date END, '{}', seed.words(n, 2), seed.words(n, 4)
FROM seed.cases WHERE n % 50 = 0 ORDER BY n;
INSERT INTO sealed.items (id, case_id, blob) SELECT seed.id(28, n), seed.id(27, n), seed.words(n, 80) FROM seed.cases WHERE n % 50 = 0 ORDER BY n;
INSERT INTO sealed.wraps (item_id, reader, wrap) SELECT seed.id(28, n), reader, seed.words(n, 5) FROM seed.cases CROSS JOIN (SELECT id::text AS reader FROM staff WHERE role = 'protected' UNION ALL SELECT 'escrow') r WHERE n % 50 = 0;

-- ── editions: one a week and district, the last full week's is not drafted yet; digests are put in by fill.py ──
CREATE UNLOGGED TABLE seed.weeks AS
SELECT district, to_char(monday, 'IYYY-"W"IW') AS week, monday AT TIME ZONE 'Asia/Karachi' AS from_at, (monday + interval '7 days') AT TIME ZONE 'Asia/Karachi' AS until_at, id, n, category, verb
FROM (SELECT n, id, district, category, 'said' AS verb, date_trunc('week', opened_at AT TIME ZONE 'Asia/Karachi') AS monday FROM seed.cases WHERE NOT husk
      UNION ALL SELECT n, id, district, category, 'done', date_trunc('week', done_at AT TIME ZONE 'Asia/Karachi') FROM seed.cases WHERE done_at IS NOT NULL AND status <> 'withdrawn' AND outcome NOT LIKE 'cannot%' AND NOT husk
      UNION ALL SELECT n, id, district, category, 'asked', date_trunc('week', said_at AT TIME ZONE 'Asia/Karachi') FROM seed.cases WHERE said_at IS NOT NULL AND status <> 'appealed'
      UNION ALL SELECT n, id, district, category, 'confirmed', date_trunc('week', said_at AT TIME ZONE 'Asia/Karachi') FROM seed.cases WHERE said_at IS NOT NULL AND NOT is_open) told
WHERE monday < date_trunc('week', '<<now>>'::timestamptz AT TIME ZONE 'Asia/Karachi') - interval '7 days';
INSERT INTO editions (id, district_id, week, state, items, digest, drafted_at, approved_at, send_after, sent_at, from_at, until_at)
SELECT seed.id(29, row_number() OVER (ORDER BY week, district)), district, week, 'sent', items, '', until_at, until_at + interval '1 hour', until_at + interval '2 hours', until_at + interval '3 hours', from_at, until_at
FROM (
    SELECT district, week, from_at, until_at, jsonb_agg(item ORDER BY place, item->'values'->>'count' DESC, item->>'key') AS items FROM (
        SELECT 1 AS place, district, week, from_at, until_at, jsonb_build_object('section', 'said', 'key', 'edition.said.count',
            'values', jsonb_build_object('category', jsonb_build_object('key', 'category.' || category), 'count', count(*)), 'cases', jsonb_agg(id ORDER BY id)) AS item
        FROM seed.weeks WHERE verb = 'said' GROUP BY district, week, from_at, until_at, category HAVING count(*) >= 5
        UNION ALL
        SELECT 2, district, week, from_at, until_at, CASE WHEN asked < 5 THEN jsonb_build_object('section', 'did', 'key', 'edition.did.truth_small', 'values', jsonb_build_object('done', done), 'cases', done_ids)
            ELSE jsonb_build_object('section', 'did', 'key', 'edition.did.truth', 'values', jsonb_build_object('done', done, 'asked', asked, 'confirmed', confirmed), 'cases', ids) END
        FROM (SELECT district, week, from_at, until_at, CASE WHEN count(*) FILTER (WHERE verb = 'done') < 5 THEN '{"key": "edition.few"}'::jsonb ELSE to_jsonb(count(*) FILTER (WHERE verb = 'done')) END AS done,
                count(*) FILTER (WHERE verb = 'asked') AS asked, CASE WHEN count(*) FILTER (WHERE verb = 'confirmed') < 5 THEN '{"key": "edition.few"}'::jsonb ELSE to_jsonb(count(*) FILTER (WHERE verb = 'confirmed')) END AS confirmed,
                coalesce(jsonb_agg(DISTINCT id) FILTER (WHERE verb = 'done'), '[]') AS done_ids, coalesce(jsonb_agg(DISTINCT id) FILTER (WHERE verb IN ('done', 'asked')), '[]') AS ids
              FROM seed.weeks GROUP BY district, week, from_at, until_at) sums
        UNION ALL
        SELECT 3, district, week, from_at, until_at, '{"section": "next", "key": "edition.next.none", "values": {}, "cases": []}'::jsonb FROM seed.weeks GROUP BY district, week, from_at, until_at
    ) lines GROUP BY district, week, from_at, until_at
) told;
INSERT INTO outbox (id, contact_id, lane, purpose, edition_id, lang, message, state, attempts, due_at, expires_at, claimed_at, provider_id, created_at, sent_at)
SELECT seed.id(30 + ago, k.n), k.id, 'broadcasts', 'edition', e.id, 'ur', seed.words(k.n, 12), CASE WHEN seed.part(k.n, 30 + ago) < 0.05 THEN 'failed' ELSE 'delivered' END, 1,
    e.sent_at, e.sent_at + interval '7 days', e.sent_at, 'SM' || md5('ed' || ago || '.' || k.n), e.sent_at, e.sent_at + interval '1 minute'
FROM (SELECT id, district_id, sent_at, row_number() OVER (PARTITION BY district_id ORDER BY week DESC)::int AS ago FROM editions) e
JOIN seed.contacts k ON k.district = e.district_id AND seed.part(k.n, 4) < 0.47 AND seed.part(k.n, 3) >= 0.01
WHERE ago <= 2 ORDER BY ago DESC, k.n;
