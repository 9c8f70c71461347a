"""The one place that spells column names, and the synonyms under which they are found in the wild."""

from collections.abc import Iterable, Mapping
from typing import Final

USER: Final = "user_id"
ITEM: Final = "item_id"
TIMESTAMP: Final = "timestamp"
ACTION: Final = "action"
VALUE: Final = "value"
TEXT: Final = "text"

TITLE: Final = "title"
CATEGORIES: Final = "categories"
DOMAIN: Final = "domain"
IMAGE: Final = "image"
AVAILABLE_FROM: Final = "available_from"
AVAILABLE_UNTIL: Final = "available_until"

INTERESTS: Final = "interests"

RANK: Final = "rank"
SCORE: Final = "score"
FALLBACK: Final = "fallback"

EVENT_COLUMNS: Final = (USER, ITEM, TIMESTAMP, ACTION, VALUE, TEXT)
CATALOGUE_COLUMNS: Final = (ITEM, TITLE, TEXT, CATEGORIES, DOMAIN, IMAGE, AVAILABLE_FROM, AVAILABLE_UNTIL)
USER_COLUMNS: Final = (USER, INTERESTS)
RECOMMENDATION_COLUMNS: Final = (USER, RANK, ITEM, SCORE, FALLBACK)

# Compared after lower-casing and dropping every character that is not a letter or digit; earlier wins.
EVENT_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    USER: ("user_id", "user", "userid", "uid", "customer_id", "visitor_id", "reviewer_id", "用户id", "用户编号",
           "用户号", "客户id", "客户编号", "顾客id", "顾客编号", "会员id", "会员编号", "买家id", "用户", "客户",
           "顾客", "会员"),
    ITEM: ("item_id", "item", "itemid", "iid", "product_id", "movie_id", "stock_code", "sku", "asin", "video_id",
           "news_id", "article_id", "物品id", "物品编号", "商品id", "商品编号", "商品编码", "商品号", "货号", "产品id",
           "产品编号", "项目id", "电影id", "影片id", "视频id", "新闻id", "文章id", "图书id", "书籍id", "歌曲id",
           "物品", "商品"),
    TIMESTAMP: ("timestamp", "time", "ts", "datetime", "date", "event_time", "created_at", "invoice_date",
                "unix_review_time", "时间戳", "时间", "行为时间", "事件时间", "操作时间", "下单时间", "购买时间",
                "交易时间", "评论时间", "评分时间", "发生时间", "创建时间", "日期", "下单日期", "购买日期"),
    ACTION: ("action", "event", "event_type", "behaviour", "behavior", "type", "行为", "动作", "行为类型", "操作",
             "操作类型", "事件", "事件类型"),
    VALUE: ("value", "rating", "score", "stars", "overall", "quantity", "qty", "watch_ratio", "评分", "打分", "得分",
            "分数", "星级", "数量", "购买数量", "件数"),
    TEXT: ("text", "query", "review", "review_text", "comment", "评论", "评论内容", "评价", "评价内容", "查询",
           "搜索词", "文本"),
}  # fmt: skip
CATALOGUE_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    ITEM: EVENT_SYNONYMS[ITEM],
    TITLE: ("title", "name", "caption", "product_name", "headline", "标题", "名称", "商品名称", "商品名", "商品标题",
            "物品名称", "产品名称", "品名", "片名", "电影名称", "书名", "歌名"),
    TEXT: ("text", "description", "overview", "plot", "summary", "abstract", "body", "content", "描述", "商品描述",
           "简介", "摘要", "内容", "详情", "正文"),
    CATEGORIES: ("categories", "category", "genres", "genre", "attributes", "tags",
                 "first_level_category_name", "类别", "分类", "类目", "品类", "商品类别", "商品分类", "商品类目",
                 "类型", "题材", "标签"),
    DOMAIN: ("domain", "领域"),
    IMAGE: ("image", "image_path", "picture", "图片", "图像", "封面"),
    AVAILABLE_FROM: ("available_from", "published", "release_date", "上架时间", "上架日期", "发布时间", "发布日期",
                     "上映日期"),
    AVAILABLE_UNTIL: ("available_until", "expires", "下架时间", "下架日期"),
}  # fmt: skip
USER_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    USER: EVENT_SYNONYMS[USER],
    INTERESTS: ("interests", "declared_interests", "兴趣", "兴趣标签", "兴趣爱好", "感兴趣"),
}

# A value column of one of these names counts pieces: fewer than none are a return, none are no event.
QUANTITIES: Final = frozenset({"quantity", "qty", "数量", "购买数量", "件数"})

# Item columns computed over the whole log look into the future of any earlier moment, so they are never features.
FUTURE_LEAKS: Final = frozenset(
    {"avgrating", "averagerating", "reviewcount", "ratingcount", "numratings", "norders", "nusers", "nevents",
     "popularity", "viewcount", "likecount", "sales", "firstsold", "lastsold"}
)  # fmt: skip


def normalise(name: str) -> str:
    """Fold a column name for comparison: lower case, letters and digits only.

    >>> normalise("User ID"), normalise("movieId"), normalise("商品_id")
    ('userid', 'movieid', '商品id')
    """
    return "".join(c for c in name.lower() if c.isalnum())


def match_columns(found: Iterable[str], synonyms: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Map our column names to the columns found, by synonym; an exact name always wins.

    Returns `{ours: found}` for those recognised; each found column serves at most once.

    >>> match_columns(["userId", "movieId", "rating", "timestamp"], EVENT_SYNONYMS)
    {'user_id': 'userId', 'item_id': 'movieId', 'timestamp': 'timestamp', 'value': 'rating'}
    """
    folded: dict[str, str] = {}
    for name in found:
        folded.setdefault(normalise(name), name)
    mapping: dict[str, str] = {}
    for ours, names in synonyms.items():
        for name in names:
            original = folded.get(normalise(name))
            if original is not None and original not in mapping.values():
                mapping[ours] = original
                break
    return mapping
