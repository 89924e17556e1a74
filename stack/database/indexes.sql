-- Indexes for the queries that exist; each names its query. An index nobody reads is paid for at every write.
-- Version: 12+. Grants: owner of the tables. Cost: seconds on the seeded database; a write lock per table.

-- users
CREATE UNIQUE INDEX users_email ON users (lower(email));                          -- POST /api/login finds the user by e-mail, in any case
CREATE INDEX users_created_at ON users (created_at);                              -- sign-ups per day

-- blueprints: every list of GET /api/blueprints is newest first; id settles equal times, so pages neither repeat nor skip
CREATE INDEX blueprints_newest ON blueprints (created_at DESC, id DESC);          -- list without a filter
CREATE INDEX blueprints_provider_newest ON blueprints (provider, created_at DESC, id DESC);      -- list ?provider=
CREATE INDEX blueprints_status_newest ON blueprints (status, created_at DESC, id DESC);          -- list ?status=
CREATE INDEX blueprints_user_newest ON blueprints (user_id, created_at DESC, id DESC);           -- list ?user_id=; a user's deletion
CREATE INDEX blueprints_name_search ON blueprints USING gin (to_tsvector('english', name));      -- list ?q=

-- infrastructures
CREATE INDEX infrastructures_blueprint ON infrastructures (blueprint_id);         -- DELETE /api/blueprints/<id> cascades
CREATE INDEX infrastructures_failed ON infrastructures (updated_at) WHERE status = 'failed';     -- what failed lately

-- deployments
CREATE INDEX deployments_infrastructure_started ON deployments (infrastructure_id, started_at DESC); -- history of one; DELETE cascades
CREATE INDEX deployments_user_started ON deployments (user_id, started_at DESC);  -- "my deployments"
CREATE INDEX deployments_unfinished ON deployments (started_at) WHERE status IN ('queued', 'running'); -- the worker's queue
CREATE INDEX deployments_failed ON deployments (started_at) WHERE status = 'failed';             -- what failed lately

-- resources
CREATE INDEX resources_infrastructure_type ON resources (infrastructure_id, type, status);       -- inventory of one; DELETE cascades

-- cost analyses
CREATE UNIQUE INDEX cost_analyses_infrastructure_period ON cost_analyses (infrastructure_id, period); -- one bill a month; DELETE cascades

-- audit logs: written at every change, so three and no more
CREATE INDEX audit_logs_user_at ON audit_logs (user_id, at DESC);                 -- who did what
CREATE INDEX audit_logs_resource ON audit_logs (resource_type, resource_id);      -- who touched this
CREATE INDEX audit_logs_at ON audit_logs USING brin (at);                         -- a day of the log; 1,000 times smaller than a b-tree

-- sessions
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);                      -- every request with a session
CREATE INDEX sessions_user_expires ON sessions (user_id, expires_at);             -- POST /api/login removes the user's expired ones

-- api keys
CREATE UNIQUE INDEX api_keys_active ON api_keys (key_hash) WHERE status = 'active'; -- every request with a key
CREATE INDEX api_keys_user ON api_keys (user_id);                                 -- "my keys"

-- notifications
CREATE INDEX notifications_unread ON notifications (user_id, created_at DESC) WHERE read_at IS NULL; -- the bell
CREATE INDEX notifications_user ON notifications (user_id);                       -- a user's deletion
