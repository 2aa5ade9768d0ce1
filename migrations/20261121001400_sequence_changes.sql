-- Changing a running campaign. A step keeps its number for life and only its place moves, so nothing an admin
-- does to a sequence can make anyone receive an e-mail again.

-- Where a contact stands in a campaign: its run, and the first step after everything received in that run. An e-mail
-- that was taken out since has no place any more, but the delay to the next one still runs from it.
create or replace function private.next_unreceived(p_contact uuid, p_campaign uuid, p_run integer)
returns table (step smallint, delay_days smallint, last_sent_at timestamptz)
language sql stable security definer set search_path = '' as $$
  with received as (
    select max(t.position) as position, max(coalesce(s.handed_over_at, s.claimed_at)) as sent_at
    from public.email_sends s
    left join public.drip_campaign_templates t
      on t.campaign_id = s.campaign_id and t.step = s.step and t.status = 'published'
    where s.contact_id = p_contact and s.campaign_id = p_campaign and s.run = p_run
      and s.status not in ('claimed', 'retry'))
  select t.step, t.delay_days, r.sent_at
  from received r
  join public.drip_campaign_templates t on t.campaign_id = p_campaign and t.status = 'published'
    and t.position > coalesce(r.position, 0)
  where not exists (
    select from public.email_sends s
    where s.contact_id = p_contact and s.campaign_id = p_campaign and s.step = t.step
      and s.run = p_run and s.status not in ('claimed', 'retry'))
  order by t.position limit 1
$$;

create function private.only_for_admins() returns void
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.acts_as_service() and not private.is_admin() then
    raise exception 'Only an admin changes a campaign''s e-mails.' using errcode = '42501';
  end if;
end
$$;

-- Gives the published steps the places 1, 2, 3 … in the order named.
create function private.put_in_order(p_campaign uuid, p_steps smallint[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  -- In two moves, because a place may be taken by one e-mail only at any moment.
  update public.drip_campaign_templates t set position = t.position + 10000
  where t.campaign_id = p_campaign and t.status = 'published';
  update public.drip_campaign_templates t set position = o.place
  from unnest(p_steps) with ordinality o (step, place)
  where t.campaign_id = p_campaign and t.status = 'published' and t.step = o.step;
end
$$;

-- Everybody goes on with the e-mail they wait for; what moved to a place they have passed is not sent to them.
create function public.reorder_steps(p_campaign uuid, p_steps smallint[], p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.only_for_admins();
  perform from public.drip_campaigns d where d.id = p_campaign for no key update;
  if array(select t.step from public.drip_campaign_templates t
           where t.campaign_id = p_campaign and t.status = 'published' order by t.step)
     is distinct from array(select s from unnest(p_steps) s order by s) then
    raise exception 'Name every published e-mail of the campaign once.' using errcode = '22023';
  end if;
  perform private.put_in_order(p_campaign, p_steps);
  update public.drip_campaigns set updated_at = p_now where id = p_campaign;
end
$$;

-- Takes an e-mail out of the sequence. Whoever waits for it goes on to the one behind it.
create function public.retire_step(p_campaign uuid, p_step smallint, p_now timestamptz) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  waiting uuid[];
begin
  perform private.only_for_admins();
  perform from public.drip_campaigns d where d.id = p_campaign for no key update;
  update public.drip_campaign_templates t set status = 'retired'
  where t.campaign_id = p_campaign and t.step = p_step and t.status = 'published';
  if not found then
    raise exception 'This campaign has no published e-mail of that number.' using errcode = '22023';
  end if;
  perform private.put_in_order(p_campaign, array(
    select t.step from public.drip_campaign_templates t
    where t.campaign_id = p_campaign and t.status = 'published' order by t.position));
  waiting := array(select e.id from public.campaign_enrollments e
                   where e.campaign_id = p_campaign and e.next_step = p_step and e.status in ('active', 'paused'));
  perform private.go_on(waiting, p_now);
  return cardinality(waiting);
end
$$;

-- Publishes the next version of a step and retires the one before. p_content, a JSON text, carries name, subject,
-- preheader, body, delay_days, expires_after_days, content_hash and compiled. Publishing the same text again changes
-- nothing. A new step, or one that was retired and comes back under its own number, stands at the end.
create or replace function public.publish_template(p_campaign uuid, p_step integer, p_content text, p_now timestamptz)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  content jsonb := p_content::jsonb;
  current_version public.drip_campaign_templates;
  latest integer;
  place integer;
  fresh uuid;
begin
  if not private.acts_as_service() and not private.is_admin() then
    raise exception 'Only an admin publishes an e-mail.' using errcode = '42501';
  end if;
  -- One publisher at a time a campaign.
  perform from public.drip_campaigns where id = p_campaign for no key update;
  select * into current_version from public.drip_campaign_templates
  where campaign_id = p_campaign and step = p_step and status = 'published';
  if current_version.content_hash = content ->> 'content_hash' then
    return current_version.id;
  end if;
  select max(version) into latest from public.drip_campaign_templates where campaign_id = p_campaign and step = p_step;
  update public.drip_campaign_templates set status = 'retired' where id = current_version.id;
  select coalesce(max(t.position), 0) + 1 into place
  from public.drip_campaign_templates t where t.campaign_id = p_campaign and t.status = 'published';
  insert into public.drip_campaign_templates
    (campaign_id, step, position, version, status, name, subject, preheader, body, delay_days, expires_after_days,
     content_hash, compiled, created_by, created_at, published_at)
  values (p_campaign, p_step, coalesce(current_version.position, place), coalesce(latest, 0) + 1, 'published',
    content ->> 'name', content ->> 'subject', content ->> 'preheader', content ->> 'body',
    (content ->> 'delay_days')::smallint, (content ->> 'expires_after_days')::smallint, content ->> 'content_hash',
    content -> 'compiled', private.user_id(), p_now, p_now)
  returning id into fresh;
  return fresh;
end
$$;

revoke all on function
  private.only_for_admins(), private.put_in_order(uuid, smallint[]),
  public.reorder_steps(uuid, smallint[], timestamptz), public.retire_step(uuid, smallint, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function
  public.reorder_steps(uuid, smallint[], timestamptz), public.retire_step(uuid, smallint, timestamptz)
  to authenticated, service_role;
