-- Data to serve and to watch: about 400,000 rows, the same at every run.
-- Version: 12+. Grants: owner of the tables. Cost: some seconds. Setting: stack.demo_hash, the password hash all seeded users share.
-- Skew as in life: `power(random(), k)` makes a few users, blueprints and days have most of the rows.

SELECT setseed(0.42);

INSERT INTO users (email, name, password_hash, status, created_at)
SELECT format('user%s@example.com', n),
       (ARRAY['Ada','Grace','Edsger','Barbara','Alan','Radia','Ken','Frances'])[1 + n % 8] || ' ' || n,
       current_setting('stack.demo_hash'),
       CASE WHEN random() < 0.93 THEN 'active' WHEN random() < 0.5 THEN 'invited' ELSE 'suspended' END,
       now() - random() * interval '700 days'
FROM generate_series(1, 5000) n;

-- Old to new by id, as identity columns are in life: a list's newest page is then also the table's last pages.
INSERT INTO blueprints (user_id, name, description, provider, status, definition, created_at, updated_at)
SELECT 1 + floor(4999 * power(random(), 2.5)),
       (ARRAY['payments','search','billing','identity','catalogue','orders','reports','media','mail','ledger','checkout','analytics'])[1 + floor(12 * random())]
       || ' ' || (ARRAY['network','cluster','database','queue','gateway','cache','storage','pipeline','firewall','runner'])[1 + floor(10 * random())]
       || ' ' || (ARRAY['production','staging','test','sandbox'])[1 + floor(4 * power(random(), 2))]
       || ' ' || n,
       repeat('Builds what the team needs, in one region, behind one gateway. ', 1 + floor(3 * random())::int),
       CASE WHEN p < 0.48 THEN 'aws' WHEN p < 0.70 THEN 'azure' WHEN p < 0.85 THEN 'gcp' WHEN p < 0.96 THEN 'kubernetes' ELSE 'onprem' END,
       CASE WHEN s < 0.60 THEN 'active' WHEN s < 0.85 THEN 'draft' ELSE 'archived' END,
       jsonb_build_object('nodes', 1 + floor(20 * power(random(), 3)), 'zones', 1 + n % 3, 'size', (ARRAY['small','medium','large'])[1 + n % 3]),
       made, made
FROM (SELECT n, random() AS p, random() AS s, now() - (60001 - n) * interval '17 minutes' AS made FROM generate_series(1, 60000) n) b;

INSERT INTO infrastructures (blueprint_id, name, provider, region, status, created_at)
SELECT b.id, b.name || ' #' || n, b.provider, (ARRAY['eu-west-1','us-east-1','ap-south-1','eu-central-1'])[1 + floor(4 * power(random(), 2))],
       CASE WHEN s < 0.80 THEN 'running' WHEN s < 0.93 THEN 'stopped' WHEN s < 0.98 THEN 'pending' ELSE 'failed' END,
       now() - random() * interval '400 days'
FROM (SELECT n, 1 + floor(59999 * power(random(), 1.7))::bigint AS blueprint, random() AS s FROM generate_series(1, 30000) n) i
JOIN blueprints b ON b.id = i.blueprint
ORDER BY n;

INSERT INTO deployments (infrastructure_id, user_id, status, error, started_at, finished_at)
SELECT infrastructure, who, status, CASE status WHEN 'failed' THEN 'quota exceeded' END, started,
       CASE WHEN status IN ('succeeded', 'failed') THEN started + random() * interval '20 minutes' END
FROM (
    SELECT 1 + floor(29999 * power(random(), 2)) AS infrastructure, 1 + floor(4999 * power(random(), 2.5)) AS who,
           now() - power(random(), 2) * interval '365 days' AS started,
           CASE WHEN s < 0.90 THEN 'succeeded' WHEN s < 0.985 THEN 'failed' WHEN s < 0.995 THEN 'queued' ELSE 'running' END AS status
    FROM (SELECT random() AS s FROM generate_series(1, 80000)) d
) d;

INSERT INTO resources (infrastructure_id, type, name, status, properties, created_at)
SELECT 1 + floor(29999 * power(random(), 1.5)), (ARRAY['vm','disk','subnet','bucket','balancer','record','secret'])[1 + floor(7 * power(random(), 1.5))],
       'resource-' || n, CASE WHEN s < 0.92 THEN 'ready' WHEN s < 0.96 THEN 'deleted' WHEN s < 0.99 THEN 'creating' ELSE 'error' END,
       jsonb_build_object('cpu', 1 + n % 8, 'memory_gb', 2 * (1 + n % 16)), now() - random() * interval '400 days'
FROM (SELECT n, random() AS s FROM generate_series(1, 90000) n) r;

INSERT INTO cost_analyses (infrastructure_id, period, amount)
SELECT infrastructure, (date_trunc('month', now()) - months * interval '1 month')::date, round((5 + 2000 * power(random(), 4))::numeric, 2)
FROM generate_series(1, 10000) infrastructure, generate_series(0, 3) months;

INSERT INTO audit_logs (user_id, action, resource_type, resource_id, at)
SELECT 1 + floor(4999 * power(random(), 2.5)), (ARRAY['update','create','deploy','delete','share'])[1 + floor(5 * power(random(), 2))],
       (ARRAY['blueprint','infrastructure','deployment'])[1 + floor(3 * power(random(), 2))], 1 + floor(59999 * power(random(), 1.7)),
       now() - (70001 - n) * interval '10 minutes'
FROM generate_series(1, 70000) n;

INSERT INTO sessions (user_id, token_hash, created_at, expires_at)
SELECT 1 + floor(4999 * power(random(), 2)), encode(sha256(convert_to('session ' || n, 'UTF8')), 'hex'), made, made + interval '14 days'
FROM (SELECT n, now() - random() * interval '20 days' AS made FROM generate_series(1, 12000) n) s;

INSERT INTO api_keys (user_id, name, key_hash, status, last_used_at)
SELECT 1 + floor(4999 * power(random(), 2)), 'key ' || n, encode(sha256(convert_to('key ' || n, 'UTF8')), 'hex'),
       CASE WHEN random() < 0.8 THEN 'active' ELSE 'revoked' END, now() - random() * interval '90 days'
FROM generate_series(1, 3000) n;

INSERT INTO notifications (user_id, title, body, read_at, created_at)
SELECT 1 + floor(4999 * power(random(), 2)), 'Deployment ' || n || ' finished', 'It took a while.',
       CASE WHEN random() < 0.85 THEN made + interval '1 hour' END, made
FROM (SELECT n, now() - random() * interval '120 days' AS made FROM generate_series(1, 30000) n) x;
