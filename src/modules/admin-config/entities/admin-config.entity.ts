import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** The current value of one configuration key. */
@Entity({ name: 'admin_config', synchronize: false })
export class AdminConfigEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ name: 'config_key', type: 'varchar', length: 128, unique: true })
  configKey: string;

  @Column({ name: 'config_data', type: 'jsonb' })
  configData: Record<string, unknown>;

  /** Null if it was not a user, or if the user was deleted. */
  @Column({ name: 'updated_by', type: 'uuid', nullable: true })
  updatedBy: string | null;

  /** A trigger sets it on every change. */
  @Column({ name: 'updated_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  updatedAt: Date;

  @Column({ name: 'created_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;

  /** A trigger increments it when `configData` changes. */
  @Column({ type: 'integer', default: 1 })
  version: number;
}
