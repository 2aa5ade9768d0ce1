-- Outgoing webhooks, and the record of who changed what.

create table public.webhook_endpoints (
  id uuid primary key default private.uuid_v7(),
  url text not null check (url ~ '^https?://'),
  description text not null default '',
  events text[] not null default '{}',
  -- Write-only: no role but the owner of the table may select this column.
  secret text not null,
  active boolean not null default true,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock()
);

create table public.webhook_deliveries (
  id bigint generated always as identity primary key,
  endpoint_id uuid not null references public.webhook_endpoints (id) on delete cascade,
  event text not null,
  payload jsonb not null,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
  attempts smallint not null default 0,
  next_attempt_at timestamptz,
  last_error text not null default '',
  created_at timestamptz not null default private.clock(),
  delivered_at timestamptz
);
create index webhook_deliveries_endpoint on public.webhook_deliveries (endpoint_id);
create index webhook_deliveries_due on public.webhook_deliveries (next_attempt_at) where status = 'pending';

create table public.audit_log (
  id bigint generated always as identity primary key,
  happened_at timestamptz not null default private.clock(),
  actor_id uuid,
  relation text not null,
  row_key text not null,
  operation text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
  before jsonb,
  after jsonb
);
create index audit_log_newest on public.audit_log (happened_at desc);

create function private.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception '% is append-only.', tg_table_name using errcode = 'MP002';
end
$$;
create trigger refuse_change before update or delete on public.audit_log
  for each row execute function private.refuse_change();
create trigger refuse_truncate before truncate on public.audit_log
  for each statement execute function private.refuse_truncate();

create function private.write_audit() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  was jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - 'compiled' - 'secret' end;
  is_now jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - 'compiled' - 'secret' end;
begin
  if was is not distinct from is_now then
    return null;
  end if;
  insert into public.audit_log (actor_id, relation, row_key, operation, before, after)
  values (private.user_id(), tg_table_name,
          coalesce(is_now ->> 'id', is_now ->> 'key', was ->> 'id', was ->> 'key'), tg_op, was, is_now);
  return null;
end
$$;
create trigger write_audit after insert or update or delete on public.drip_campaigns
  for each row execute function private.write_audit();
create trigger write_audit after insert or update or delete on public.drip_campaign_templates
  for each row execute function private.write_audit();
create trigger write_audit after insert or update or delete on public.contact_types
  for each row execute function private.write_audit();
create trigger write_audit after update or delete on public.app_settings
  for each row when (old.key <> 'run_requested_at') execute function private.write_audit();
create trigger write_audit after insert or update or delete on public.profiles
  for each row execute function private.write_audit();
create trigger write_audit after delete on public.suppressions
  for each row execute function private.write_audit();
create trigger write_audit after insert or update or delete on public.webhook_endpoints
  for each row execute function private.write_audit();
