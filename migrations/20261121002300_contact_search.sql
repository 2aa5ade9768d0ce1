-- The contact list at a million contacts: search over tags too, filters that combine, orders to choose from,
-- a count that never takes long, when somebody was last active, and views that people save.

-- Lower case without accents: "jose" finds José, and É stands beside E.
create function private.plain(words text) returns text
language sql immutable parallel safe set search_path = '' as $$
  select lower(regexp_replace(normalize(words, NFD), U&'[\0300-\036F]', '', 'g'))
$$;
-- What a search looks through. It begins with a space, so that " ad" finds every word beginning with "ad".
create function private.search_words(parts text[], tags text[]) returns text
language sql immutable parallel safe set search_path = '' as $$
  select ' ' || private.plain(array_to_string(parts || tags, ' '))
$$;

-- One rewriting of the table, about half a minute for a million contacts.
drop view public.contact_list;
alter table public.contacts
  drop column search_text,
  add column search_text text collate "C" not null generated always as (private.search_words(
    array[first_name, last_name, company_name, email, phone, regexp_replace(phone, '[^0-9]', '', 'g')], tags)) stored,
  -- The name as the list shows it, and what no company has stands last.
  add column name_key text collate "C" not null generated always as (left(private.plain(
    coalesce(nullif(btrim(first_name || ' ' || last_name), ''), email, '')), 100)) stored,
  add column company_key text collate "C" not null generated always as (left(coalesce(
    nullif(private.plain(company_name), ''), U&'\FFFD'), 100)) stored;
drop function private.searchable(text[]);
-- The rarer a word, the more a wrong guess of the planner costs.
alter table public.contacts alter column search_text set statistics 500;

create index contacts_search on public.contacts using gin (search_text extensions.gin_trgm_ops);
create index contacts_tags on public.contacts using gin (tags);
create index contacts_in_name_order on public.contacts (name_key, id) where archived_at is null;
create index contacts_in_company_order on public.contacts (company_key, id) where archived_at is null;
create index contacts_by_industry on public.contacts (industry, id desc) where archived_at is null and industry <> '';
create index contacts_not_mailed on public.contacts (email_status, id desc) where email_status <> 'ok';
create index contacts_archived on public.contacts (id desc) where archived_at is not null;
create index contacts_created on public.contacts (created_at);
-- Serves the foreign key as before, and "everything of hers", newest first.
drop index public.contacts_owner;
create index contacts_owner on public.contacts (owner_id, id desc);
-- The same rule with its columns the other way round: it also lists who is in a campaign, newest first.
drop index public.one_live_enrollment_a_campaign;
create unique index one_live_enrollment_a_campaign on public.campaign_enrollments (campaign_id, contact_id)
  where status in ('active', 'paused');

-- When a person last did something: wrote back, opened or clicked an e-mail (mail programs and scanners left out),
-- or when a colleague wrote a note, called, met, finished a task or had them at an event or a discovery call.
-- Our own e-mails do not count. Beside the contact and not in it: an open would else rewrite a dozen indexes.
create table public.contact_activity (
  contact_id uuid primary key references public.contacts (id) on delete cascade,
  last_at timestamptz  -- null: never
) with (fillfactor = 80);
create index contact_activity_latest on public.contact_activity
  (coalesce(last_at, '-infinity'), contact_id);

-- Without a SET clause, so that the planner inlines it into the condition of a trigger.
create function private.is_activity(kind text) returns boolean
language sql immutable parallel safe as $$
  select kind in ('reply', 'note', 'call', 'meeting', 'discovery', 'project', 'networking_event')
$$;

-- From all that is known, so that it does not matter in which order or how often things are told.
create function private.refresh_contact_activity(p_contacts uuid[]) returns void
language sql security definer set search_path = '' as $$
  insert into public.contact_activity (contact_id, last_at)
  select c.id, greatest(
    (select max(a.occurred_at) from public.activities a where a.contact_id = c.id and private.is_activity(a.kind)),
    (select max(a.completed_at) from public.activities a where a.contact_id = c.id and a.kind = 'task'),
    (select max(e.occurred_at) from public.email_events e
     where e.contact_id = c.id and e.event in ('open', 'click') and not e.is_machine))
  from public.contacts c where c.id = any (p_contacts)
  order by c.id
  on conflict (contact_id) do update set last_at = excluded.last_at
    where contact_activity.last_at is distinct from excluded.last_at
$$;

create function private.note_contacts_added() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.contact_activity (contact_id) select id from added;
  return null;
end
$$;
create trigger note_contacts_added after insert on public.contacts
  referencing new table as added for each statement execute function private.note_contacts_added();

-- A row's trigger, for its condition: the sender's own entries, a thousand at a time, pay nothing.
create function private.note_activity() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.refresh_contact_activity(array[new.contact_id]);
  return null;
end
$$;
create trigger note_activity after insert on public.activities
  for each row when (private.is_activity(new.kind) or (new.kind = 'task' and new.completed_at is not null))
  execute function private.note_activity();
create trigger note_task_done after update of completed_at on public.activities
  for each row when (new.kind = 'task' and old.completed_at is distinct from new.completed_at)
  execute function private.note_activity();

-- Named to come after on_events_added, which has judged by then what was a machine's.
create function private.note_opens() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.refresh_contact_activity(array(
    select distinct a.contact_id from added a join public.email_events e on e.id = a.id
    where a.event in ('open', 'click') and a.contact_id is not null and not e.is_machine));
  return null;
end
$$;
create trigger on_events_opened after insert on public.email_events
  referencing new table as added for each statement execute function private.note_opens();
create function private.note_judged_again() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.refresh_contact_activity(array(
    select distinct a.contact_id from after a join before b using (id)
    where a.is_machine <> b.is_machine and a.contact_id is not null));
  return null;
end
$$;
create trigger on_events_judged after update on public.email_events
  referencing old table as before new table as after
  for each statement execute function private.note_judged_again();

insert into public.contact_activity (contact_id, last_at)
select c.id, nullif(greatest(coalesce(a.last_at, '-infinity'), coalesce(e.last_at, '-infinity')), '-infinity')
from public.contacts c
left join (
  select contact_id, max(case when kind = 'task' then completed_at else occurred_at end) as last_at
  from public.activities where private.is_activity(kind) or kind = 'task' group by contact_id) a on a.contact_id = c.id
left join (
  select contact_id, max(occurred_at) as last_at from public.email_events
  where event in ('open', 'click') and not is_machine group by contact_id) e on e.contact_id = c.id;

alter table public.contact_activity enable row level security;
alter table public.contact_activity force row level security;
revoke all on public.contact_activity from public, anon, authenticated, service_role;
grant select on public.contact_activity to authenticated, service_role;
create policy staff_read on public.contact_activity for select to authenticated using ((select private.is_staff()));

create view public.contact_list with (security_invoker = true) as
select c.id, c.first_name, c.last_name, btrim(c.first_name || ' ' || c.last_name) as full_name, c.email, c.phone,
       c.company_name, c.job_title, c.industry, c.contact_type, y.label as type_label, c.owner_id, o.full_name as owner_name,
       c.city, c.state, c.country, c.time_zone, c.email_status, c.email_status_reason, c.archived_at, c.source,
       c.profile_url, c.website, c.tags, c.notes, c.created_at, c.updated_at,
       e.campaign_name, e.status as enrollment_status, e.next_send_at, c.quiet_until, c.quiet_reason, c.created_by,
       a.last_at as last_activity_at
from public.contacts c
join public.contact_types y on y.key = c.contact_type
left join public.profiles o on o.id = c.owner_id
left join public.contact_activity a on a.contact_id = c.id
left join lateral (
  select d.name as campaign_name, e.status, e.next_send_at
  from public.campaign_enrollments e join public.drip_campaigns d on d.id = e.campaign_id
  where e.contact_id = c.id and e.status in ('active', 'paused')
  order by e.is_type_campaign desc, e.status, e.enrolled_at desc limit 1) e on true;
revoke all on public.contact_list from public, anon, authenticated, service_role;
grant select on public.contact_list to authenticated, service_role;

-- One word of a search as a pattern for like: three letters and up anywhere, fewer at the beginning of a word,
-- where the trigram index knows them too.
create function private.pattern_of(word text) returns text
language sql immutable parallel safe set search_path = '' as $$
  select case when length(w) < 3 then '% ' else '%' end
         || replace(replace(replace(w, '\', '\\'), '%', '\%'), '_', '\_') || '%'
  from (select private.plain(word)) x (w)
$$;

-- The filters of a search (crm/records/contact_search.py) as conditions on contacts c. Only those asked for are
-- written, each with its value, so that the planner knows both.
create function private.search_conditions(p_search text) returns text
language plpgsql stable set search_path = '' as $$
declare
  s jsonb := p_search::jsonb;
  parts text[] := array[format('c.archived_at is %snull', case when (s ->> 'archived')::boolean then 'not ' end)];
  active constant text := 'exists (select from public.contact_activity a where a.contact_id = c.id and coalesce(a.last_at, ''-infinity'') >= %L::timestamptz)';
  live constant text := 'exists (select from public.campaign_enrollments e where e.contact_id = c.id and e.status in (''active'', ''paused'')%s)';
begin
  parts := parts || array(
    select format('c.search_text like %L', private.pattern_of(w)) from jsonb_array_elements_text(s -> 'words') w);
  parts := parts || array(
    select format(k.condition, v.value)
    from jsonb_each_text(s) v
    join (values
      ('owner', 'c.owner_id = %L::uuid'), ('industry', 'c.industry = %L'), ('tag', 'c.tags @> array[%L]'),
      ('campaign', format(live, ' and e.campaign_id = %L::uuid')),
      ('created_since', 'c.created_at >= %L::timestamptz'), ('created_until', 'c.created_at < %L::timestamptz'),
      ('active_since', active), ('quiet_since', 'not ' || active)) k (name, condition) on k.name = v.key
    where v.value is not null);
  if jsonb_array_length(s -> 'types') > 0 then
    parts := parts || format('c.contact_type = any (%L::text[])', array(select jsonb_array_elements_text(s -> 'types')));
  end if;
  if jsonb_array_length(s -> 'statuses') > 0 then
    -- Whom nobody can write to for want of an address is a standing of its own.
    parts := parts || format(
      case when s -> 'statuses' ? 'no_address' and jsonb_array_length(s -> 'statuses') = 1
           then 'c.email_status = ''ok'' and c.email is null'
           when s -> 'statuses' ? 'no_address'
           then '(c.email_status = any (%1$L::text[]) and (c.email_status <> ''ok'' or c.email is not null)'
                ' or c.email_status = ''ok'' and c.email is null)'
           when s -> 'statuses' ? 'ok'
           then 'c.email_status = any (%1$L::text[]) and (c.email_status <> ''ok'' or c.email is not null)'
           else 'c.email_status = any (%1$L::text[])' end,
      array(select jsonb_array_elements_text(s -> 'statuses')));
  end if;
  if (s ->> 'unowned')::boolean then
    parts := parts || 'c.owner_id is null'::text;
  end if;
  if (s ->> 'without_campaign')::boolean then
    parts := parts || ('not ' || format(live, ''));
  end if;
  if (s ->> 'never_active')::boolean then
    parts := parts ||
      'not exists (select from public.contact_activity a where a.contact_id = c.id and a.last_at is not null)'::text;
  end if;
  return array_to_string(parts, ' and ');
end
$$;

-- The contact search. It runs with the owner's rights and asks is_staff() itself, which is what the policy
-- asks: under row-level security like may not use an index (it is not leakproof), and a search over a
-- million contacts took seconds instead of milliseconds. p_order: newest, name, company, activity (the latest
-- first); p_before is the last id of the page before.
--
-- First it looks through the next few thousand contacts in that order, which is all that a filter of many takes.
-- Where these do not fill the page, whoever is looked for is rare or far away, and an index finds all of them to be
-- sorted. Left to itself the planner walks the whole list for an import of last year that it believes to be spread
-- evenly over it: seconds.
create function public.find_contacts(p_search text, p_order text, p_before uuid, p_limit integer)
returns setof uuid
language plpgsql stable security definer set search_path = '' set jit = off as $$
declare
  conditions text;
  living text;
  source text := 'public.contacts c';
  key text;
  direction text := '';
  beyond text := '';
  inner_order text;
  outer_order text;
  found uuid[];
begin
  if not private.acts_as_service() and not private.is_staff() then
    return;
  end if;
  conditions := private.search_conditions(p_search);
  living := private.search_conditions(jsonb_build_object('archived', p_search::jsonb -> 'archived')::text);
  case p_order
    when 'newest' then
      direction := ' desc';
    when 'name' then
      key := 'c.name_key';
    when 'company' then
      key := 'c.company_key';
    when 'activity' then
      source := 'public.contact_activity l join public.contacts c on c.id = l.contact_id';
      key := 'coalesce(l.last_at, ''-infinity'')';
      direction := ' desc';
    else
      raise exception 'Unknown order %: use newest, name, company or activity.', p_order using errcode = '22023';
  end case;
  inner_order := concat_ws(', ', key || direction, case p_order when 'activity' then 'l.contact_id' else 'c.id' end || direction);
  outer_order := case when key is null then '' else 'c.key' || direction || ', ' end || 'c.id' || direction;
  if p_before is not null then
    beyond := format(' and (%1$s) %2$s (select %1$s from %3$s where c.id = %4$L)',
      replace(inner_order, direction, ''), case direction when ' desc' then '<' else '>' end, source, p_before);
  end if;
  execute format(
    'select array(select c.id from (select c.*, %s as key from %s where %s%s order by %s limit 3000) c'
    ' where %s order by %s limit %s)',
    coalesce(key, 'null'), source, living, beyond, inner_order, conditions, outer_order, p_limit) into found;
  if cardinality(found) < p_limit then
    execute format(
      'select array(select c.id from (select c.id, %s as key from %s where %s%s offset 0) c order by %s limit %s)',
      coalesce(key, 'null'), source, conditions, beyond, outer_order, p_limit) into found;
  end if;
  return query select unnest(found);
end
$$;

-- How many the same search finds: exactly up to p_most, beyond that the planner's estimate for everybody, and
-- "more than" for a search. kind: exactly, about, more.
create function public.count_found(p_search text, p_most integer)
returns table (total bigint, kind text)
language plpgsql stable security definer set search_path = '' set jit = off as $$
declare
  conditions text;
  counted bigint;
begin
  if not private.acts_as_service() and not private.is_staff() then
    return;
  end if;
  conditions := private.search_conditions(p_search);
  execute format('select count(*) from (select from public.contacts c where %s limit %s) x',
                 conditions, p_most::bigint + 1) into counted;
  if counted <= p_most then
    return query select counted, 'exactly';
  elsif conditions = 'c.archived_at is null' then
    return query
      select greatest(i.reltuples::bigint, p_most), 'about' from pg_catalog.pg_class i
      where i.oid = 'public.contacts_by_type'::regclass;
  else
    return query select p_most::bigint, 'more';
  end if;
end
$$;

-- The old way to ask, gone with its parameters.
drop function public.count_contacts(text, text[], text[], uuid, text, text, boolean);
drop function public.find_contacts(text, text[], text[], uuid, text, text, boolean, uuid, integer);

-- Tags and industries in use, for the filters. Steps from one industry to the next in the index.
create or replace view public.industries_in_use with (security_invoker = true) as
with recursive one_by_one as (
  (select industry from public.contacts where archived_at is null and industry <> '' order by industry limit 1)
  union all
  select (select c.industry from public.contacts c
          where c.archived_at is null and c.industry <> '' and c.industry > o.industry order by c.industry limit 1)
  from one_by_one o where o.industry is not null)
select industry from one_by_one where industry is not null;
create view public.tags_in_use with (security_invoker = true) as
select distinct t.tag from public.contacts c cross join lateral unnest(c.tags) t (tag)
where c.archived_at is null and c.tags <> '{}';
revoke all on public.tags_in_use from public, anon, authenticated, service_role;
grant select on public.tags_in_use to authenticated, service_role;

-- What somebody looks at again and again: the filters of the list under a name.
create table public.saved_views (
  id uuid primary key default private.uuid_v7(),
  owner_id uuid not null default private.user_id() references public.profiles (id) on delete cascade,
  name text not null check (length(btrim(name)) between 1 and 60),
  -- As the list's address line has them; the page reads only what it knows.
  filters jsonb not null check (jsonb_typeof(filters) = 'object' and length(filters::text) <= 4000),
  is_shared boolean not null default false,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock()
);
create unique index one_saved_view_a_name on public.saved_views (owner_id, lower(name));
create index saved_views_shared on public.saved_views (is_shared, name);

alter table public.saved_views enable row level security;
alter table public.saved_views force row level security;
revoke all on public.saved_views from public, anon, authenticated, service_role;
grant select, insert, delete on public.saved_views to authenticated;
grant update (name, filters, is_shared, updated_at) on public.saved_views to authenticated;
-- One's own, and what colleagues share; an admin tidies up among the shared ones.
create policy own_or_shared_read on public.saved_views for select to authenticated
  using ((select private.is_staff()) and (is_shared or owner_id = (select private.user_id())));
create policy own_add on public.saved_views for insert to authenticated
  with check ((select private.is_staff()) and owner_id = (select private.user_id()));
create policy own_or_admin_change on public.saved_views for update to authenticated
  using ((select private.is_staff()) and owner_id = (select private.user_id()) or is_shared and (select private.is_admin()));
create policy own_or_admin_delete on public.saved_views for delete to authenticated
  using ((select private.is_staff()) and owner_id = (select private.user_id()) or is_shared and (select private.is_admin()));

revoke all on function private.plain(text), private.search_words(text[], text[]),
  private.is_activity(text), private.refresh_contact_activity(uuid[]), private.note_contacts_added(),
  private.note_activity(), private.note_opens(), private.note_judged_again(), private.pattern_of(text),
  private.search_conditions(text), public.find_contacts(text, text, uuid, integer), public.count_found(text, integer)
  from public, anon, authenticated, service_role;
-- Whoever writes a contact makes its search text.
grant execute on function private.plain(text), private.search_words(text[], text[])
  to authenticated, service_role;
grant execute on function private.is_activity(text) to authenticated, service_role;
grant execute on function public.find_contacts(text, text, uuid, integer), public.count_found(text, integer)
  to authenticated, service_role;
