"""Titles for simulated catalogues, English and Chinese: every topic has its own words."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from evorec.core.types import I32

# One topic a line: its name, qualities, and things, some with a unit of size. A hyphen inside a thing becomes a space.
_WORDS: Final = {
    "en": """
outdoors: lightweight waterproof folding rugged windproof / backpack5L tent1person sleeping-bag headlamp100lm
 trekking-poles camping-stove rain-jacket water-filter hammock hiking-boots
music: acoustic live classic unplugged remastered / jazz-album guitar piano-sonatas vinyl-record violin
 symphony-box-set3discs folk-songs saxophone choir-recording drum-solo
film: suspenseful restored award-winning animated silent / thriller15min comedy15min documentary15min western15min
 film-noir15min romance15min heist-movie space-epic biopic short-film-reel5min
food: organic artisan classic homemade fair-trade / noodles100g chocolate50g olive-oil250ml goat-cheese100g honey100g
 coffee-beans250g chilli-sauce100ml walnuts50g green-tea50g sourdough
technology: wireless portable fast smart mechanical / keyboard router tablet16GB headset charger5W webcam
 memory-card16GB monitor smartwatch speaker5W
health: gentle soothing daily herbal sugar-free / vitamins30tablets yoga-mat massage-roller bandages10pcs
 fish-oil30capsules thermometer eye-patches5pairs protein-powder250g knee-brace blood-pressure-cuff
travel: coastal guided scenic family budget / island-tour2days railway-pass2days city-guide cruise2days museum-ticket
 hostel-stay1nights safari2days ski-trip2days phrasebook airport-transfer
books: illustrated annotated collected bilingual pocket / novel poems biography history-of-rome essays2vols fairy-tales
 atlas dictionary detective-stories2vols philosophy-primer
home: wooden scented washable nordic stackable / curtain50cm table-lamp cushion bookshelf2shelves carpet50cm storage-box
 wall-clock bed-linen coat-rack dining-table
garden: fragrant evergreen climbing potted hardy / rose-bush compost5kg tulip-bulbs10pcs watering-can pruning-shears
 fern lavender-seeds flower-pot wheelbarrow lawn-mower
baby: hypoallergenic leakproof cuddly teething newborn / stroller diapers20pcs bottle100ml crib rattle baby-blanket
 high-chair pacifier baby-monitor playmat
pets: grain-free chewable plush scratch-proof odourless / dog-food1kg cat-litter2kg leash aquarium10L bird-cage cat-tree
 hamster-wheel dog-bed flea-comb puppy-treats100g
clothing: cotton knitted slim pleated hooded / sweater jeans dress jacket scarf socks3pairs blouse overcoat skirt hat
beauty: moisturising matte brightening long-lasting creamy / lipstick serum10ml face-mask mascara shampoo100ml
 sunscreen50ml foundation nail-polish5ml perfume10ml eyeliner
cars: non-slip magnetic chrome heavy-duty leather / tyre seat-cover dashcam wiper-blades engine-oil1L phone-mount
 floor-mats sunshade jump-starter tow-rope1m
toys: wooden-block glowing remote-control stackable puzzling / robot train-set20pcs dinosaur doll kite castle100pcs
 jigsaw100pcs marble-run spinning-top toy-kitchen
""",
    "zh": """
户外: 轻便 防水 加厚 专业 折叠 / 登山背包5升 露营帐篷1人 睡袋 冲锋衣 登山杖 头灯 防潮垫 徒步鞋 野营炉 望远镜
音乐: 经典 现场版 原声 怀旧 珍藏 / 钢琴曲集 民谣吉他 爵士唱片 交响乐专辑3碟 小提琴 古筝曲 架子鼓 摇滚精选 合唱录音 口琴
电影: 悬疑 高分 修复版 获奖 贺岁 / 科幻片15分钟 纪录片15分钟 武侠片 动画片 爱情片 喜剧片 警匪片 历史片 惊悚片 短片5分钟
美食: 精选 手工 有机 家常 传统 / 火锅底料50克 牛肉面3袋 巧克力50克 绿茶50克 月饼2枚 咖啡豆100克 坚果 腊肠 酸奶 辣椒酱
科技: 智能 无线 便携 高速 静音 / 机械键盘 路由器 平板电脑16GB 蓝牙耳机 充电器5瓦 摄像头 显示器 固态硬盘 手表 音箱5瓦
健康: 温和 舒缓 家用 草本 无糖 / 维生素30片 瑜伽垫 按摩仪 鱼油30粒 体温计 创可贴10片 血压计 筋膜枪 蛋白粉250克 护眼贴5对
旅行: 海岛 古镇 亲子 自驾 滨海 / 跟团游2天 火车通票2天 度假酒店1晚 城市攻略 邮轮游2天 博物馆门票 民宿 签证 温泉游 滑雪营
书籍: 精装 插图 双语 口袋 全译 / 长篇小说2册 诗集 人物传记 历史读本 散文集 童话 哲学入门 侦探小说2册 科普读物 词典
家居: 实木 北欧风 可水洗 简约 复古 / 窗帘50厘米 台灯 抱枕 书架2层 地毯50厘米 收纳箱 餐桌 衣帽架 挂钟 床单
园艺: 四季 芳香 攀援 耐寒 盆栽 / 月季苗2株 有机肥1公斤 郁金香种球10粒 洒水壶 修枝剪 多肉 营养土5公斤 花盆 薄荷种子 绿萝
母婴: 柔软 防漏 新生儿 安抚 透气 / 婴儿车 纸尿裤20片 奶瓶100毫升 婴儿床 摇铃 抱被 辅食碗 婴儿背带 爬行垫 口水巾
宠物: 无谷 耐咬 毛绒 防抓 除臭 / 狗粮1公斤 猫砂2公斤 牵引绳 鱼缸10升 鸟笼 猫爬架 磨牙棒 猫罐头 宠物窝 逗猫棒
服饰: 纯棉 针织 修身 宽松 加绒 / 毛衣 牛仔裤 连衣裙 外套 围巾 袜子3双 衬衫 羽绒服 半身裙 帽子
美妆: 保湿 哑光 提亮 持久 清爽 / 口红 精华液10毫升 面膜5片 睫毛膏 洗发水100毫升 防晒霜50毫升 粉底液 眉笔 香水 卸妆油
汽车: 防滑 磁吸 加固 真皮 通用 / 轮胎 座套 行车记录仪 雨刷 机油1升 车载支架 脚垫 遮阳挡 洗车水枪 应急电源
玩具: 木制 发光 遥控 益智 仿真 / 积木20块 火车轨道 恐龙模型 布娃娃 风筝 城堡 拼图100块 机器人 魔方 小汽车
""",
}
_TOPICS: Final = {
    language: dict(line.split(": ") for line in words.replace("\n ", " ").strip().splitlines())
    for language, words in _WORDS.items()
}
LANGUAGES: Final = tuple(_TOPICS)
MOST_TOPICS: Final = len(_TOPICS["en"])
_DOMAINS: Final = {"en": (("shop",), ("leisure", "living")), "zh": (("商店",), ("休闲", "生活"))}


def topic_names(language: str, per_domain: int, domains: int) -> tuple[str, ...]:
    """The topics of each domain in turn; with two, the second begins in the middle of the list.

    >>> topic_names("zh", 2, 2)
    ('户外', '音乐', '家居', '园艺')
    """
    names, apart = tuple(_TOPICS[language]), MOST_TOPICS // domains
    return tuple(name for first in range(0, MOST_TOPICS, apart) for name in names[first : first + per_domain])


def domain_names(language: str, domains: int) -> tuple[str, ...]:
    """One name per domain."""
    return _DOMAINS[language][domains - 1]


def titles(language: str, topics: Sequence[str], item_topic: I32, rng: np.random.Generator) -> list[str]:
    """A title for every item: a quality, a thing, its size where it has one, and the topic.

    A title occurs twice only where a topic has more items than qualities times things.

    >>> titles("zh", ["户外"], np.array([0, 0], np.int32), np.random.default_rng(1))
    ['轻便冲锋衣 户外', '轻便头灯 户外']
    """
    joint = "" if language == "zh" else " "
    made = [""] * len(item_topic)
    for topic, name in enumerate(topics):
        qualities, things = (part.split() for part in _TOPICS[language][name].split(" / "))
        members = np.flatnonzero(item_topic == topic)
        pairs = np.resize(rng.permutation(len(qualities) * len(things)), len(members))
        for item, pair, times in zip(members, pairs, rng.integers(1, 9, len(members)), strict=True):
            thing, *measure = re.split(r"(\d+)", things[pair // len(qualities)])
            size = [f"{int(measure[0]) * times}{measure[1]}"] if measure else []
            quality = qualities[pair % len(qualities)]
            made[item] = " ".join([quality + joint + thing.replace("-", " "), *size, name])
    return made
